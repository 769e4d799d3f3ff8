"""What a medium is: a name, what text suits it, how it is seen, and the sheet it makes.

A medium is one file in ``synthesis/scene/media``; everything else is the same for all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from curation.picture.colours import RGB
from synthesis.corpus.genres import Genre
from synthesis.description import Name, Writing
from synthesis.raster import Pixels
from synthesis.scene.arcs import Arc
from synthesis.scene.bends import FLAT, Bend
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.text.layout import Frame

Lettering = Literal["hand", "sign", "book", "plain", "any"]
Range = tuple[float, float]


@dataclass(frozen=True)
class Sheet:
    """A medium before it is written on, flat and upright.

    ``ground`` is (H, W, 3) uint8 RGB, lit already; the text stands in ``frame``, or on the ``arc``,
    in one of ``inks``, those first that are named first where they contrast enough. ``outline`` is
    a (H, W) uint8 mask, ``None`` for the whole rectangle. ``rules`` is the colour of lines the text
    is written on. ``finish`` goes over the ink: gloss, pixels of a screen; it must not move
    anything. ``surface`` is what the text stands on where that is not all of the medium: a label.
    What lies behind a ``clear`` sheet is seen through it: it has no colour of its own.
    """

    ground: Pixels
    frame: Frame
    inks: tuple[RGB, ...]
    ink: Ink
    bend: Bend = FLAT
    outline: Pixels | None = None
    rules: RGB | None = None
    arc: Arc | None = None
    finish: Callable[[Random, Pixels], Pixels] | None = None
    surface: Name | None = None
    clear: bool = False


@dataclass(frozen=True)
class View:
    """How a medium is seen: most degrees of ``yaw``, ``pitch`` (from, to) and ``roll``;
    ``share`` is the sheet's extent as a share of the image's, above 1 beyond its edges.
    """

    yaw: float
    pitch: Range
    roll: float
    share: Range


@dataclass(frozen=True)
class Medium:
    """``bears`` are the genres of texts it is seen with; ``columns`` is how long those are (a
    hanzi counts 2); ``aspects`` is width over height; ``places`` are surroundings it is seen in;
    ``largest`` is the most pixels per em as a share of the sheet's shorter side; ``lift`` is how
    far it stands off what lies behind, in pixels of a 640 px image (0: no shadow); ``make`` takes
    width and height in pixels. ``hugs``: its shape follows the text, as a sign's does. ``support``
    is what carries a medium that stands before a far scene. ``writing`` is how all texts are put on
    it, ``None`` where they are printed or written by hand. ``palette`` is what ``make`` chooses
    from once, by ``random.choice``; the first of each of these is the colour of what bears a text.
    """

    name: Name
    bears: frozenset[Genre]
    columns: tuple[int, int]
    aspects: Range
    view: View
    places: tuple[str, ...]
    lettering: Lettering
    largest: float
    lift: float
    make: Callable[[Random, int, int, Light], Sheet]
    hugs: bool = False
    support: Literal["nothing", "table", "post", "stand"] = "nothing"
    writing: Writing | None = None
    palette: Sequence[tuple[Any, ...]] = ()
