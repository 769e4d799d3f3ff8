"""What goes wrong for reasons that the user can mend; told as one line, never as a traceback."""


class UsageError(Exception):
    """A wrong option, setting or input; the message says what was expected and what to do."""


class TooLargeError(MemoryError):
    """Out of memory; the message says what takes less."""


class IncompleteError(Exception):
    """A run that ended, but lacks what was asked for; what there is has been written."""
