"""What a user can get wrong, told as one line instead of a traceback."""


class UsageError(Exception):
    """A wrong option, configuration or data set; the message says what was expected."""


class CheckpointError(ValueError):
    """A damaged checkpoint; the message names the file and what to do."""
