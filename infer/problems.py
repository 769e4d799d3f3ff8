"""The one exception for a user's own mistake: shown as a line, never as a traceback."""


class UsageError(Exception):
    """A wrong option, prompt file or checkpoint; the message says what to do."""
