"""Pages of lines that mix Latin and hanzi, so simple that a small model learns to write them in
minutes: one face, square cells, one ink a page.

A line has one to three characters of 36 Latin ones and 100 hanzi. Texts are split by their hash:
no line of a held-out page is on any page that is trained on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import shard
from curation.picture.colours import Colour
from synthesis import png
from synthesis.fonts.face import Font, font
from synthesis.pure import strings
from synthesis.sample import Sample, TextBox, row, upright_quad
from train.data.examples import is_held_out

HANZI = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
    "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实"
)
CHARACTERS = strings.CHARACTERS["en"] + HANZI
HELD_OUT = 0.125  # of lines, and of pages: as the trainer holds out
LONGEST = 3  # characters of a line
CELL = 32  # pixels, a side
LINES = 2
_ROWS = 1024  # of a shard


@dataclass(frozen=True)
class Page:
    """Lines below one another in one ink; an empty one is blank."""

    lines: tuple[str, ...]
    ink: Colour

    @property
    def text(self) -> str:
        """What a page shows, as the trainer reads it of boxes."""
        return "\n".join(line for line in self.lines if line)

    @property
    def caption(self) -> str:
        """What it shows, said in few words: words are most of what a step costs."""
        quoted = " over ".join(f'"{line}"' for line in self.lines)
        return f"{self.ink.name('en').capitalize()} {quoted}."


def pages(seed: int, count: int, *, held_out: bool, longest: int = LONGEST) -> Iterator[Page]:
    """Pages of lines of at most so many characters, of whose texts and lines all are held out, or
    none.
    """
    random = Random(f"{seed}:{held_out}")
    made = 0
    while made < count:
        lines = tuple(_line(random, longest, held_out) for _ in range(LINES))
        page = Page(lines, random.choice(strings.INKS))
        if is_held_out(page.text, HELD_OUT) == held_out:
            made += 1
            yield page


def _line(random: Random, longest: int, held_out: bool) -> str:
    while True:
        line = "".join(random.choices(CHARACTERS, k=random.randint(1, longest)))
        if is_held_out(line, HELD_OUT) == held_out:
            return line


def face() -> Font:
    """The face of the style ``strings`` for hanzi, which has the Latin characters too."""
    return font(strings.choose_face("zh", None))


def pixels(pen: Font, page: Page) -> NDArray[np.uint8]:
    """(H, W, 4)."""
    size = (LONGEST * CELL, CELL)
    return np.concatenate([strings.written(pen, "zh", line, page.ink, size) for line in page.lines])


def write(folder: Path, made: Iterator[Page]) -> str:
    """Shards of pages; returns their glob."""
    pen = face()
    return write_rows(folder, [_row(pen, page, number) for number, page in enumerate(made)])


def write_rows(folder: Path, rows: Sequence[Mapping[str, Any]]) -> str:
    """Shards of rows; returns their glob."""
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(rows), _ROWS):
        table = pa.Table.from_pylist(rows[start : start + _ROWS], schema=shard.schema())
        path = folder / f"part-{start // _ROWS:05d}.parquet"
        shard.write(str(path), table.to_batches(), shard.schema())
    return str(folder / "part-*.parquet")


def _row(pen: Font, page: Page, number: int) -> dict[str, Any]:
    drawn = pixels(pen, page)
    height, width = drawn.shape[:2]
    sample = Sample(
        png.encode(drawn),
        width,
        height,
        page.text,
        page.caption,
        "en",
        tuple(_boxes(page)),
        pen.file.postscript,
    )
    return dict.fromkeys(shard.schema().names) | dict(row(sample, f"page-{number:06d}", None))


def _boxes(page: Page) -> Iterator[TextBox]:
    for number, line in enumerate(page.lines):
        top, bottom = number * CELL, (number + 1) * CELL
        if line:
            yield TextBox(line, upright_quad(0, top, len(line) * CELL, bottom), "line")
        for place, character in enumerate(line):
            quad = upright_quad(place * CELL, top, (place + 1) * CELL, bottom)
            yield TextBox(character, quad, "glyph")
