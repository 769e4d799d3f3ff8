"""A text that cannot be rendered."""


class UnrenderableError(Exception):
    """A text that must be discarded whole; ``reason`` is a short stable code."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
