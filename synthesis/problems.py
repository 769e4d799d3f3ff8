"""What can go wrong, in two kinds: the user's settings, and a text that cannot be drawn."""


class UsageError(Exception):
    """A wrong setting, corpus or font; the message says what was expected and what to do."""


class UnrenderableError(Exception):
    """A text that must be discarded whole; ``reason`` is a short stable code."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
