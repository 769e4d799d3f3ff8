"""What an edit is: the pixels before and after, where they may differ, and what was changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.picture.colours import Colour
from synthesis.description import Name
from synthesis.raster import Pixels
from synthesis.sample import TextBox

Mask = NDArray[np.uint8]  # (H, W), 0 or 255


@dataclass(frozen=True)
class Change:
    """What was done, as an instruction has to say it; ``None`` where it does not apply.

    ``operation`` is ``text.replace`` and so on. ``old`` and ``new`` are quoted texts (of
    ``layout.swap`` the two that change places). ``thing`` is what it is done to, without an
    article; ``other`` is what takes its place. ``colour`` is the new colour, ``was`` the one
    before. ``place`` says where, wherever ``old`` or ``thing`` alone could be mistaken.
    ``language`` is the one translated into, ``en`` or ``zh``; ``amount`` is by how much something
    is turned or enlarged; ``tilted`` says of what is turned that it is askew, by a few degrees.
    """

    operation: str
    old: str | None = None
    new: str | None = None
    thing: Name | None = None
    other: Name | None = None
    colour: Colour | None = None
    was: Colour | None = None
    place: Name | None = None
    language: str | None = None
    amount: Name | None = None
    tilted: bool = False

    @property
    def kind(self) -> str:
        """The kind of the operation: ``text`` of ``text.replace``."""
        return self.operation.partition(".")[0]


@dataclass(frozen=True)
class Edit:
    """A pair: (H, W, 4) uint8 RGBA ``source`` and ``target`` with the boxes of both.

    ``mask`` is 255 where the two may differ, of the size of ``target``; ``None``: everywhere.
    ``font`` is the PostScript name of the face with the most glyphs.
    """

    source: Pixels
    target: Pixels
    mask: Mask | None
    before: tuple[TextBox, ...]
    after: tuple[TextBox, ...]
    change: Change
    font: str
