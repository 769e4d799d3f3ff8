"""In place of a language model: adds rain to all prompts but those of deserts."""

from infer.enhancing.enhancer import NoAnswerError


class RainWriter:
    """Fails where a prompt says ``gone``."""

    name, at_once = "rain-maker", 2

    def write(self, system: str, user: str, attempt: int) -> str:
        """A prompt anew."""
        if "gone" in user:
            raise NoAnswerError("rain-maker did not answer")
        return "sand" if "desert" in user else f"{user} in the rain"
