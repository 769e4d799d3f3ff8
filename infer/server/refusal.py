"""What is answered instead of an image, as OpenAI's clients read it."""

from dataclasses import dataclass

_KINDS = {401: "authentication_error", 429: "rate_limit_error"}


@dataclass(frozen=True)
class Refusal:
    """An HTTP ``status`` with a sentence for people, a ``code`` for programs, the field that it is
    about, and after how many seconds to try again (0: never).
    """

    status: int
    code: str
    message: str
    param: str | None = None
    after: int = 0

    @property
    def kind(self) -> str:
        """OpenAI's ``type`` of the error."""
        if self.code == "content_policy_violation":
            return "image_generation_user_error"
        usual = "server_error" if self.status >= 500 else "invalid_request_error"
        return _KINDS.get(self.status, usual)

    def error(self) -> "RefusalError":
        """To be raised; an exception that is raised twice would keep both its ways."""
        return RefusalError(self)


class RefusalError(Exception):
    """Ends what a request asked for."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def wrong(message: str, param: str | None = None, code: str = "invalid_value") -> RefusalError:
    """Of a request that can never be answered."""
    return Refusal(400, code, message, param).error()
