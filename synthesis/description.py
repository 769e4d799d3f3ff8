"""What an image shows, before it is put in words: the scene graph captions are made of."""

from dataclasses import dataclass
from typing import Literal

from curation.picture.colours import Colour

ImageType = Literal["text", "photo", "design"]
Writing = Literal["printed", "handwritten", "chalk", "marker", "painted"]


@dataclass(frozen=True)
class Name:
    """What something is called, in the middle of a sentence and without an article."""

    english: str
    chinese: str

    def name(self, language: str) -> str:
        """The name in Chinese for ``zh`` and its kinds, in English for every other language."""
        return self.chinese if language.split("-", maxsplit=1)[0] == "zh" else self.english


@dataclass(frozen=True)
class Words:
    """One text of the image: exactly what is rendered, ``\\n`` where the text itself breaks.

    ``role`` is what the text is to its reader (``text`` in mode pure, else ``title``, ``body``,
    ``price`` and so on; ``watermark`` is told as such in the annotation); ``down`` and ``across``
    tell where in the image its middle is, each 0 to 1. ``ink`` is ``None`` where no name for it
    would be true.
    """

    text: str
    role: str
    ink: Colour | None
    across: float = 0.5
    down: float = 0.5


@dataclass(frozen=True)
class Group:
    """Texts that belong together: the entries of a list, the lines of a table, in reading order.

    ``entry`` is what one row is: ``week``, ``dish``; ``None`` where it is what its texts are.
    """

    rows: tuple[tuple[Words, ...], ...]
    entry: str | None = None


@dataclass(frozen=True)
class Description:
    """``kind`` is what is seen: a page, a blackboard, a poster; ``surroundings`` what it lies in.

    ``words`` are in reading order; ``groups`` are the same in the same order, those together that
    belong together (empty: each text by itself); ``background`` is what they stand on (``None``
    where no name for it would be true), called ``surface``, such as a label; ``texture`` is what it
    has beside its colour (``faint ruled lines``). ``layout`` tells how the words stand (``two
    columns``, in Chinese ``分两栏``). ``details`` are things seen beside the text, such as
    ``soft shadows``. ``style`` overrides the image style of the annotation. ``abnormal`` marks
    what hinders viewing, such as a bar code.
    """

    kind: Name
    words: tuple[Words, ...]
    background: Colour | None
    groups: tuple[Group, ...] = ()
    gradient: bool = False
    writing: Writing = "printed"
    surface: Name | None = None
    surroundings: Name | None = None
    image_type: ImageType = "text"
    texture: Name | None = None
    layout: Name | None = None
    details: tuple[Name, ...] = ()
    style: str | None = None
    abnormal: bool = False
