"""What is said of a pair of images: plain data, from those who measure to those who word it."""

from dataclasses import dataclass
from typing import Literal

from curation.picture.colours import Colour

Operation = Literal[
    "text.replace", "text.add", "text.remove", "text.recolour", "layout.move",
    "background.recolour",
    "mirror.sides", "mirror.top", "rotate.right", "rotate.left", "rotate.half",
    "crop", "extend", "enlarge", "reduce",
    "grey", "colourise", "invert", "tones",
    "deblur", "denoise", "decompress", "blur", "noise",
]  # fmt: skip
Tone = Literal[
    "brighter", "darker", "more_contrast", "less_contrast", "more_vivid", "less_vivid",
    "warmer", "cooler", "greener", "pinker",
]  # fmt: skip
Side = Literal["left", "right", "top", "bottom"]
Place = tuple[Literal["left", "middle", "right"], Literal["top", "middle", "bottom"]]
KINDS: dict[str, str] = {
    "text": "text", "layout": "layout", "background": "background",
    "mirror": "view", "rotate": "restoration",
    "crop": "view", "extend": "restoration", "enlarge": "task", "reduce": "task",
    "grey": "style", "colourise": "style", "invert": "style", "tones": "style",
    "deblur": "restoration", "denoise": "restoration", "decompress": "restoration",
    "blur": "style", "noise": "style",
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """What was done; what an operation has not is None or empty.

    Texts as they were (``old``) and are (``new``); the ``place`` where it stands; the
    ``colour`` that a text or the ground has now; ``tones`` that changed; the ``sides`` at which the
    image was cut or extended, in percent of the input's width or height; its ``size`` now, width
    and height in pixels.
    """

    operation: Operation
    old: str | None = None
    new: str | None = None
    place: Place | None = None
    colour: Colour | None = None
    tones: tuple[Tone, ...] = ()
    sides: tuple[tuple[Side, int], ...] = ()
    size: tuple[int, int] | None = None

    @property
    def kind(self) -> str:
        """The kind of edit, one of those that shards know."""
        return KINDS[self.operation.partition(".")[0]]


@dataclass(frozen=True)
class Line:
    """A line of text that was read in an image, with the reader's ``score`` and its upright
    ``box``: left, top, right, bottom as shares of the image's sides.
    """

    text: str
    score: float
    box: tuple[float, float, float, float]
