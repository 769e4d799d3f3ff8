"""Where everything of an image stands: the fullest lists and the largest texts that fit."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from synthesis.fonts.face import Extents
from synthesis.image_sizes import Size
from synthesis.pure import limits
from synthesis.template import resources
from synthesis.template.arranging import Arranged, Arranger
from synthesis.template.backdrops import Backdrop
from synthesis.template.boxes import Box
from synthesis.template.colouring import Colours
from synthesis.template.computed import Uncomputable
from synthesis.template.contents import Filler, Record, Scope
from synthesis.template.expanding import Expansion, Part
from synthesis.template.faces import Pairing
from synthesis.template.models import Loaded, Style
from synthesis.template.typeset import Blocks, Overflow, SetText, Typesetter
from synthesis.unrenderable import UnrenderableError

_STEP = 1.06  # scales tried are so far apart
_TRIES = (0, 1, 2, 4, 6, 9, 12)  # steps below the estimated scale at which texts are set
_WIDE, _TALL = 1.2, 0.84  # width / height from, and up to
_LOOSE, _SPLIT, _SMALLER = (0.84, 1.2), (0.88, 1.12), (0, 0, 1, 2, 3)
_PLENTY = (1.0, 0.66, 0.33, 0.0)  # how full lists are, tried in turn
_RESTS = {"centre": 0.5, "end": 1.0}  # of what is free, above a text
_BESIDE = 0.18  # em ink may leave the box of its lines: marks above capitals, swashes


@dataclass(frozen=True)
class Placed:
    """An image before it is rendered: parts in painting order, and the texts of some of them.

    ``setter`` has set the texts, at their scale.
    """

    parts: tuple[Arranged, ...]
    texts: tuple[tuple[Part, SetText], ...]
    backdrop: Backdrop | None = None
    setter: Typesetter | None = None


@dataclass(frozen=True)
class Filling:
    """What a template is filled with: everything chosen before the texts are set."""

    loaded: Loaded
    size: Size
    colours: Colours
    pairing: Pairing
    record: Record
    seed: int
    backdrop: Backdrop | None = None


@dataclass(frozen=True)
class Manner:
    """How an image differs from others of its template: ``loose`` multiplies gaps and ``split``
    lengths told as shares; texts are ``smaller`` than the largest that fit by so many steps.
    """

    loose: float
    split: float
    smaller: int

    @classmethod
    def of(cls, seed: int) -> "Manner":
        """The manner a seed means."""
        random = Random(seed ^ 1)
        return cls(random.uniform(*_LOOSE), random.uniform(*_SPLIT), random.choice(_SMALLER))


def unit_of(size: Size) -> float:
    """The unit of lengths in pixels (see ``models``)."""
    return min(math.sqrt(size[0] * size[1]), 1.6 * min(size)) / 100


def as_full_as_fits(filling: Filling, language: str) -> Placed:
    """The image with fewer entries in its lists until everything fits."""
    for plenty in _PLENTY:
        try:
            return _laid_out(filling, language, plenty)
        except UnrenderableError as error:
            if error.reason != "overflow":
                raise
            problem = error
    raise problem


def _laid_out(filling: Filling, language: str, plenty: float) -> Placed:
    """Everything at its place, at the largest scale of the texts that fits."""
    root = expanded(filling, language, plenty)
    width, height = filling.size
    canvas, unit = Box(0.0, 0.0, float(width), float(height)), unit_of(filling.size)
    scales, manner = _scales(*filling.loaded.template.scale), Manner.of(filling.seed)
    smallest = limits.smallest_em(language, filling.size)
    blocks: Blocks = {}

    def arranged(scale: float, *, exact: bool) -> tuple[Typesetter, list[Arranged]]:
        setter = Typesetter(language, filling.pairing, unit, smallest, scale, exact, blocks)
        spacing = {"loose": manner.loose, "split": manner.split}
        return setter, Arranger(setter, unit, _spacing(scale), **spacing).arrange(root, canvas)

    def seems_to_fit(scale: float) -> bool:
        try:
            arranged(scale, exact=False)
        except Overflow:
            return False
        return True

    first = bisect_left(scales, True, hi=len(scales) - 1, key=seems_to_fit)
    first = min(first + manner.smaller, len(scales) - 1)
    for scale in (scales[first + step] for step in _TRIES if first + step < len(scales)):
        try:
            setter, parts = arranged(scale, exact=True)
            texts = _set_texts(setter, parts)
            _check(texts, filling.size)
        except Overflow:
            continue
        set_texts = tuple((part, text) for part, text, _ in texts)
        return Placed(tuple(parts), set_texts, filling.backdrop, setter)
    raise UnrenderableError("overflow", f"at {width}x{height}")


def expanded(filling: Filling, language: str, plenty: float) -> Part:
    """The layout with its contents filled in, its lists as full as ``plenty``, 0 to 1, says.

    Raises ``UnrenderableError``.
    """
    random, (width, height) = Random(filling.seed), filling.size
    shelf = "wide" if width > _WIDE * height else "tall" if width < _TALL * height else "square"
    filler = Filler(random, language, resources.contents(language))
    expansion = Expansion(
        random, language, filling.loaded.styles, filling.colours, shelf, plenty, filling.backdrop
    )
    try:
        return expansion.root(filling.loaded.template.layout, Scope(filler, filling.record))
    except Uncomputable as problem:
        raise UnrenderableError("uncomputable", str(problem)) from problem


def _scales(least: float, most: float) -> list[float]:
    count = max(1, math.floor(math.log(most / least) / math.log(_STEP)) + 1)
    return [most / _STEP**step for step in range(count)]


def _spacing(scale: float) -> float:
    """Gaps shrink and grow with the texts, but less."""
    return min(1.15, max(0.6, 0.5 + 0.5 * scale))


def _set_texts(setter: Typesetter, parts: Sequence[Arranged]) -> list[tuple[Part, SetText, Box]]:
    texts: list[tuple[Part, SetText, Box]] = []
    for part, box in ((arranged.part, arranged.inner) for arranged in parts):
        if part.style is not None:
            texts.append((part, set_in(setter, part, part.style, part.text, box), box))
    return texts


def set_in(setter: Typesetter, part: Part, style: Style, text: str, slot: Box) -> SetText:
    """A text set as the part's is, where that stands. Raises ``Overflow``."""
    return setter.place(text, style, part.align, slot, _RESTS.get(part.node.justify or "", 0.0))


def stays_in(text: SetText, slot: Box, size: Size) -> bool:
    """Whether its ink leaves neither the slot, by much, nor the canvas."""
    left, top, right, bottom = text.box
    beside = _BESIDE * text.block.size + 1
    return (
        left >= max(0.0, slot.left - beside)
        and top >= max(0.0, slot.top - beside)
        and right <= min(size[0], slot.left + slot.width + beside)
        and bottom <= min(size[1], slot.top + slot.height + beside)
    )


def meets(box: Extents, others: Iterable[Extents]) -> bool:
    """Whether a box (left, top, right, bottom) lies over any of the others."""
    left, top, right, bottom = box
    return any(
        left < other[2] and right > other[0] and top < other[3] and bottom > other[1]
        for other in others
    )


def _check(texts: Sequence[tuple[Part, SetText, Box]], size: Size) -> None:
    """Raise ``Overflow`` where ink leaves its slot or the canvas, or meets another text's."""
    earlier: list[Extents] = []
    for _, text, slot in texts:
        if not stays_in(text, slot, size) or meets(text.box, earlier):
            raise Overflow
        earlier.append(text.box)
