"""A page that can be edited: its texts one by one, and the ground they stand on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

from curation.picture.colours import RGB
from synthesis import raster
from synthesis.corpus.genres import Genre
from synthesis.edits import naming
from synthesis.edits.steps import Scene
from synthesis.fonts.face import Extents
from synthesis.image_sizes import Size
from synthesis.job import Job
from synthesis.pure import backgrounds, paragraph, texts
from synthesis.pure.backgrounds import Ground
from synthesis.pure.manner import Kind, kind_of
from synthesis.pure.pairs import Pair
from synthesis.pure.paragraph import Composed
from synthesis.raster import Pixels
from synthesis.sample import TextBox
from synthesis.text import placing
from synthesis.text.block import Block
from synthesis.text.placing import PlacedLine

_LISTED = 0.6  # share of pages of several texts, a line each
_SHORT = 0.25  # share of pages of one short text; the rest are as in mode pure
_LINES = (3, 6)
_TRIES = 60


@dataclass(frozen=True)
class Piece:
    """A text of the page, on lines of its own."""

    text: str
    lines: tuple[PlacedLine, ...]
    ink: RGB


@dataclass(frozen=True)
class Page(Scene):
    """A page as its pieces in reading order; of those that are ``None`` the place is empty.

    ``seed`` makes the ground the same every time.
    """

    language: str
    composed: Composed
    ground: Ground
    pair: Pair
    seed: int
    pieces: tuple[Piece | None, ...]

    @cached_property
    def pixels(self) -> Pixels:
        """The pixels, (H, W, 4) uint8 RGBA."""
        rhythm = paragraph.rhythm_of(self.composed)
        size = self.composed.size
        canvas = backgrounds.paint(Random(self.seed), self.ground, self.pair, size, rhythm)
        by_ink: dict[RGB, list[PlacedLine]] = {}
        for _, piece in self.texts():
            by_ink.setdefault(piece.ink, []).extend(piece.lines)
        for ink, lines in by_ink.items():
            raster.render(canvas, placing.runs(self.em, lines), ink)
        return canvas

    @property
    def em(self) -> int:
        """The size of the type in pixels."""
        return self.composed.fitted.block.size

    def texts(self) -> Iterator[tuple[int, Piece]]:
        """The pieces that are there, by their numbers."""
        for number, piece in enumerate(self.pieces):
            if piece is not None:
                yield number, piece

    def boxes(self) -> tuple[TextBox, ...]:
        """The boxes of all texts, in reading order."""
        blocks = [Block(piece.text, self.em, piece.lines, ()) for _, piece in self.texts()]
        return tuple(box for block in blocks for box in block.boxes())

    def font(self) -> str:
        """The PostScript name of the face the page is set in."""
        return self.composed.fitted.block.faces[0].postscript

    def box_of(self, number: int) -> Extents:
        """The box of the ink of a piece."""
        piece = self.pieces[number]
        if piece is None:
            raise ValueError(f"piece {number} is not there")
        return Block(piece.text, self.em, piece.lines, ()).box

    def with_pieces(self, pieces: Mapping[int, Piece | None]) -> "Page":
        """The same with other pieces in the places of those numbers."""
        return replace(
            self,
            pieces=tuple(pieces.get(number, piece) for number, piece in enumerate(self.pieces)),
        )


def begin(random: Random, job: Job, *, several: bool = False) -> Page:
    """A page as mode pure sets it, with ``several`` texts if there are short ones of one genre.

    Raises ``UnrenderableError``.
    """
    size = random.choice(job.sizes)
    chance = 0.0 if several else random.random()
    if chance < _LISTED:
        text = _listed(random, job)
    elif chance < _LISTED + _SHORT:
        text = short(random, job)
    else:
        text = texts.choose(random, job, size)
    return of_text(random, job, text or texts.choose(random, job, size), size)


def of_text(random: Random, job: Job, text: str, size: Size) -> Page:
    """A page of that text. Raises ``UnrenderableError``."""
    composed = paragraph.compose(random, job, text, size)
    ground = backgrounds.choose(random)
    pair = backgrounds.choose_pair(random, ground, faint=composed.is_faint)
    pieces = tuple(_pieces(composed, pair.ink_rgb))
    return Page(job.language, composed, ground, pair, random.getrandbits(32), pieces)


def genre_of(job: Job, text: str) -> Genre | None:
    """The genre of a text of the job's, or of the one that it is a line of; ``None``: not known."""
    return next((of.genre for of in job.paragraphs if text in of.text.split("\n")), None)


def short(random: Random, job: Job, genre: Genre | None = None) -> str:
    """A text of the job's that can be quoted, if one is named of a genre; empty: none is met."""
    for _ in range(_TRIES):
        text = random.choice(job.by_genre[genre] if genre else job.paragraphs).text
        if naming.is_short(text, job.language):
            return text
    return ""


def _listed(random: Random, job: Job) -> str:
    """Several short texts of one genre, a line each; empty where there are none."""
    signs: list[str] = []
    for _ in range(_TRIES):
        genre = random.choice(job.paragraphs).genre
        known = [of.text for of in job.by_genre[genre] if _is_sign(of.text, job.language)]
        if len(known) >= _LINES[0]:
            signs = random.sample(known, min(len(known), random.randint(*_LINES)))
            break
    apart: list[str] = []
    for text in signs:
        if not any(naming.contains(text, of) or naming.contains(of, text) for of in apart):
            apart.append(text)
    return "\n".join(apart) if len(apart) > 1 else ""


def _is_sign(text: str, language: str) -> bool:
    return naming.is_short(text, language) and kind_of(language, text) == Kind.SIGN


def _pieces(composed: Composed, ink: RGB) -> Iterator[Piece]:
    """The lines of a text that breaks its own lines; of any other the whole."""
    block = composed.fitted.block
    own = [line for line in block.text.split("\n") if line.strip()]
    if composed.manner.kind == Kind.LINES and len(own) == len(block.lines):
        for text, line in zip(own, block.lines, strict=True):
            yield Piece(text.strip(), (line,), ink)
    else:
        yield Piece(block.text, block.lines, ink)
