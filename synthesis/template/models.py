"""What a template, a style and a palette may say: the schema of the YAML files.

Lengths are in *units*: a hundredth of the side of a square as large as the canvas, but never more
than 1.6 hundredths of the short side.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from curation.picture import sizes

RATIOS = tuple(f"{width}:{height}" for width, height in sizes.RATIOS)
KINDS = ("column", "row", "turn", "stack", "board", "grid", "text", "say", "shape")
CONTAINERS = ("column", "row", "turn", "stack", "board", "grid")
SQUARE = frozenset(
    {"icon", "search", "avatar", "circle", "pie", "donut", "gauge"}
    | {"toggle", "checkbox", "radio", "seal"}
)
_LENGTH = re.compile(r"auto|grow( \d+(\.\d+)?)?|\d+(\.\d+)?%|@[a-z_.]+(\*\d*\.?\d+)?")
FIELD = re.compile(r"\{([a-z_]+)\}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
ROLES = ("background", "surface", "primary", "accent", "text", "muted")
MIXED = ("line", "soft", "softer", "deep", "dark", "light", "series", "white", "black", "none")
SHAPES = frozenset(
    "fill art icon search avatar rule circle triangle tail arrow dots wave dashes seal balloon "  # noqa: SIM905
    "progress slider toggle checkbox radio stars barcode bars lines pie donut gauge map".split()
)


def _length(value: str | float) -> str | float:
    if isinstance(value, str) and not _LENGTH.fullmatch(value):
        raise ValueError("expected a number of units, a share such as 30%, auto, grow or grow 2")
    return value


def _colour(value: str) -> str:
    if value not in {*ROLES, *MIXED} and not _COLOUR.fullmatch(value):
        names = ", ".join((*ROLES, *MIXED))
        raise ValueError(f"expected one of {names}, or a colour such as #1a2b3c")
    return value


def _shape(value: str) -> str:
    if value not in SHAPES:
        raise ValueError(f"expected one of {', '.join(sorted(SHAPES))}")
    return value


Length = Annotated[str | float, AfterValidator(_length)]
ColourRole = Annotated[str, AfterValidator(_colour)]
Units = Annotated[float, Field(ge=0, le=400)]
Share = Annotated[float, Field(ge=0, le=1)]
Ratio = Literal["1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9", "1:3", "3:1"]
Align = Literal["start", "centre", "end", "stretch"]
Justify = Literal["start", "centre", "end", "between", "around"]
Shelf = Literal["wide", "square", "tall"]
Class = Literal["any", "sans", "serif", "mono", "hand"]
Words = dict[str, str]


class Model(BaseModel):
    """Frozen, and refusing keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Style(Model):
    """How the texts of one role are set; ``None`` means: as the shared style of that name.

    ``size`` in units, ``leading`` in ems between baselines, ``tracking`` in ems, ``lines`` at most.
    """

    size: Annotated[float, Field(gt=0, le=60)] | None = None
    face: Literal["heading", "body"] | None = None
    weight: Literal["regular", "bold"] | None = None
    colour: ColourRole | None = None
    leading: Annotated[float, Field(ge=0.9, le=3)] | None = None
    tracking: Annotated[float, Field(ge=0, le=1)] | None = None
    upper: bool | None = None
    italic: bool | None = None
    lines: Annotated[int, Field(ge=1, le=200)] | None = None
    align: Literal["left", "centre", "right", "justified"] | None = None


class Node(Model):
    """A box of the layout: exactly one of ``KINDS``, and how it stands in the box around it."""

    column: tuple["Node", ...] | None = None
    row: tuple["Node", ...] | None = None
    turn: tuple["Node", ...] | None = None  # a row on wide canvases, else a column
    stack: tuple["Node", ...] | None = None  # children over each other
    board: tuple["Node", ...] | None = None  # children at their ``box``
    grid: tuple["Node", ...] | None = None
    text: str | None = None  # a field of the contents
    say: Words | None = None  # the same words every time, by language
    shape: Annotated[str, AfterValidator(_shape)] | None = None

    each: str | None = None  # a list of the contents: one copy of the node per entry
    count: tuple[int, int] | None = None
    size: Length | None = None  # along the box around it
    across: Length | None = None
    box: tuple[Share, Share, Share, Share] | None = None  # left, top, width, height of the board
    pad: Units | tuple[Units, Units] | tuple[Units, Units, Units, Units] | None = None
    gap: Units = 0
    align: Align | None = None
    justify: Justify | None = None
    fill: ColourRole | tuple[ColourRole, ColourRole] | None = None
    round: Units = 0
    border: ColourRole | None = None
    thick: Units = 0.25
    shadow: bool = False
    columns: tuple[int, int] = (1, 4)
    cell: Units = 30  # of a grid: the least width of a column
    style: str = "body"
    colour: ColourRole | None = None
    role: str | None = None  # what a text is to its reader, as captions call it
    entry: str | None = None  # what its neighbours of that name are, or a row of a grid
    data: str | None = None
    name: str | None = None  # which icon, which art
    first: bool = False  # of ``each``: the first entries of the list, not any
    only: tuple[Shelf, ...] | Shelf | None = None
    swap: bool = False  # the children may as well stand the other way round

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            named = " and ".join(given) if given else "none"
            raise ValueError(f"expected exactly one of {', '.join(KINDS)}; found {named}")
        if self.kind == "board" and any(child.box is None for child in self.children):
            raise ValueError("every child of a board needs box: [left, top, width, height]")
        if self.kind == "grid" and self.entry and self.columns[0] != self.columns[1]:
            raise ValueError("a grid with an entry needs rows of one length, as columns: [7, 7]")
        if self.box and (self.box[0] + self.box[2] > 1.001 or self.box[1] + self.box[3] > 1.001):
            problem = "leaves the canvas: expected left + width and top + height to be 1 at most"
            raise ValueError(f"box {list(self.box)} {problem}")
        return self

    @cached_property
    def kind(self) -> str:
        """Which of ``KINDS`` it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @cached_property
    def sides(self) -> tuple[float, float, float, float]:
        """The padding at top, right, bottom and left, in units."""
        pad = self.pad or 0.0
        if isinstance(pad, tuple):
            return pad if len(pad) == 4 else (pad[0], pad[1], pad[0], pad[1])
        return (pad, pad, pad, pad)

    @cached_property
    def is_square(self) -> bool:
        """Whether it is a shape as high as wide, of a size that is told."""
        return self.shape in SQUARE and isinstance(self.size, float)

    @cached_property
    def children(self) -> tuple["Node", ...]:
        """The nodes inside, empty for a leaf."""
        return getattr(self, self.kind) if self.kind in CONTAINERS else ()

    def everything(self) -> Iterator["Node"]:
        """The node and all below it."""
        yield self
        for child in self.children:
            yield from child.everything()


class Faces(Model):
    """Which classes of faces suit."""

    heading: Class | tuple[Class, ...] = "any"
    body: Class | tuple[Class, ...] = "any"


class Template(Model):
    """One layout: what it is called, the canvases and contents that suit it, and its boxes.

    ``{field}`` in a name is that field of the contents: ``{occasion} ticket``.
    """

    name: Words
    family: str
    ratios: tuple[Ratio, ...] = Field(min_length=1)
    contents: tuple[str, ...] = ()
    records: dict[str, tuple[dict[str, object], ...]] = {}
    palettes: tuple[str, ...] = ()
    tone: Literal["light", "dark", "any"] = "any"
    faces: Faces = Faces()
    styles: dict[str, Style] = {}
    scale: tuple[float, float] = (0.55, 1.5)
    backdrop: Literal["any", "shade", "none"] = "any"
    layout: Node
    image_type: Literal["text", "design"] = "design"


class Palette(Model):
    """Colours that go together, by what they are for; hexadecimal sRGB."""

    background: str = Field(pattern=_COLOUR.pattern)
    surface: str = Field(pattern=_COLOUR.pattern)
    primary: str = Field(pattern=_COLOUR.pattern)
    accent: str = Field(pattern=_COLOUR.pattern)
    text: str = Field(pattern=_COLOUR.pattern)
    muted: str = Field(pattern=_COLOUR.pattern)


@dataclass(frozen=True)
class Loaded:
    """A checked template, the file it is from, and all its styles in full."""

    file: str
    template: Template
    styles: Mapping[str, Style]

    def called(self, language: str, record: Mapping[str, object] | None = None) -> str:
        """What it is in ``language``, with those fields of a record that the name asks for."""
        name, fields = self.template.name[language], record or {}
        return " ".join(FIELD.sub(lambda match: str(fields.get(match[1], "")), name).split())

    @property
    def stem(self) -> str:
        """The file's name without its ending: what a template is called on a command line."""
        return Path(self.file).stem

    def __hash__(self) -> int:
        return hash(self.file)
