"""What a picture shows, before it is put in words: the scene graph captions are made of."""

from dataclasses import dataclass
from typing import Literal

from synthesis.colours import Colour


@dataclass(frozen=True)
class Name:
    """What something is called, in the middle of a sentence and without an article."""

    english: str
    chinese: str

    def name(self, language: str) -> str:
        """The name in ``zh``, or in English for every other language."""
        return self.chinese if language == "zh" else self.english


@dataclass(frozen=True)
class Words:
    """One text of the picture: exactly what is drawn, ``\\n`` where the text itself breaks.

    ``role`` is what the text is to its reader (``text`` in mode pure, else ``title``, ``body``,
    ``price`` and so on); ``down`` and ``across`` tell where in the picture its middle is, each 0
    to 1.
    """

    text: str
    role: str
    ink: Colour
    across: float = 0.5
    down: float = 0.5


@dataclass(frozen=True)
class Description:
    """``kind`` is what is seen: a page, a blackboard, a poster; ``surroundings`` what it lies in.

    ``words`` are in reading order; ``background`` is what they stand on.
    """

    kind: Name
    words: tuple[Words, ...]
    background: Colour
    gradient: bool = False
    writing: Literal["printed", "handwritten"] = "printed"
    surroundings: Name | None = None
    image_type: Literal["text", "photo", "design"] = "text"
