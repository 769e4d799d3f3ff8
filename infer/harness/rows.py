"""What a benchmark and its harness say to each other: requests, what is seen, and rows of values.

Everything in a ``Row`` is plain data, so that scoring is a function of what was written down.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Request:
    """An image to ask for: repetition ``k`` of the prompt named ``id`` (letters, digits, ``._-``).

    ``size`` is (width, height) in pixels, None where the model's usual one will do; ``seed`` None
    where it is made of benchmark, id and ``k``. ``group`` is what figures are given by, ``texts``
    what the image should say, ``facts`` what else scoring needs (plain data). ``inputs`` are the
    bytes of images to edit; ``edits`` names the prompt whose image, of this run and ``k``, is to be
    edited. Requests of one id differ in ``k`` and ``seed`` alone.
    """

    id: str
    prompt: str
    k: int = 0
    size: tuple[int, int] | None = None
    seed: int | None = None
    group: str = ""
    texts: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[bytes, ...] = field(default=(), repr=False)
    edits: str | None = None

    @property
    def file(self) -> str:
        """The name of its image."""
        return f"{self.id}_{self.k}.png"


@dataclass(frozen=True)
class Question:
    """What a judge is asked about ``images``, in their order; of the image alone where none are."""

    text: str
    images: tuple["Image.Image", ...] = ()


@dataclass(frozen=True)
class Line:
    """A line of text that was read, how sure the reader is (0 to 1), and its box in pixels: left,
    top, right, bottom; None where the reader knows no places.
    """

    text: str
    score: float = 1.0
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Seen:
    """An image, RGB, with the ``lines`` read in it, topmost first, and a judge's ``answers`` to the
    benchmark's questions. One that ``is_missing`` is black, and nothing was read in it or asked:
    ``answers`` are empty strings.
    """

    image: "Image.Image"
    lines: tuple[Line, ...] = ()
    answers: tuple[str, ...] = ()
    is_missing: bool = False

    @property
    def text(self) -> str:
        """All that was read, a line each."""
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True)
class Measured:
    """What an image is worth by itself: ``score`` from 0 to 1 orders the worst cases, ``read`` is
    shown beside what was asked, ``values`` (plain data) are what scoring needs.
    """

    score: float
    read: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """An image's request and what was measured of it."""

    id: str
    k: int
    prompt: str
    group: str
    texts: tuple[str, ...]
    facts: Mapping[str, Any]
    seed: int
    is_missing: bool
    score: float
    read: str
    values: Mapping[str, Any]

    @property
    def file(self) -> str:
        """The name of its image."""
        return f"{self.id}_{self.k}.png"


def row(request: Request, seed: int, measured: Measured, is_missing: bool = False) -> Row:
    """The row of a request."""
    asked = (request.id, request.k, request.prompt, request.group, request.texts, request.facts)
    return Row(*asked, seed, is_missing, measured.score, measured.read, measured.values)


def seed_of(benchmark: str, request: Request) -> int:
    """The 63-bit seed of an image's noise: the same for all models, so that runs pair."""
    if request.seed is not None:
        return request.seed
    text = f"{benchmark}:{request.id}:{request.k}"
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
