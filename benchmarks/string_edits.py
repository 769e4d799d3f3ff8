"""Exact edit pairs of pages so simple that a small model learns them: two lines of the style
``strings``, of which an instruction changes one. Pages by themselves have a caption instead.

A page is 64x64 px, a line has one to four characters of one ink in cells of 16x32 px. Texts are
split by their hash: every text of a held-out pair is of those that no training pair shows.

Shapes: H W pixels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
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
from synthesis.sample import upright_quad
from train.data.examples import is_held_out

LINE = (64, 32)  # pixels, width and height
PLACES = ("first", "second")
OPERATIONS = ("text.replace", "text.recolour", "text.remove")
HELD_OUT = 0.1  # of all texts
_CHARACTERS = strings.CHARACTERS["en"]


@dataclass(frozen=True)
class Line:
    """A text in its ink; an empty text is an empty line."""

    text: str
    ink: Colour


@dataclass(frozen=True)
class Pair:
    """What ``instruction`` makes of the lines ``before``, of which it changes the one ``place``."""

    before: tuple[Line, ...]
    after: tuple[Line, ...]
    place: int
    operation: str
    instruction: str


def pages(seed: int, count: int, *, held_out: bool) -> Iterator[tuple[Line, ...]]:
    """Pages of two lines that differ."""
    random = Random(f"{seed}:{held_out}:pages")
    return (_page(random, held_out) for _ in range(count))


def caption(lines: tuple[Line, ...]) -> str:
    """What a page shows."""
    return " ".join(
        f'{place.capitalize()} line "{line.text}" in {line.ink.name("en")}.'
        for place, line in zip(PLACES, lines, strict=True)
    )


def pairs(seed: int, count: int, *, held_out: bool, by_text: bool = False) -> Iterator[Pair]:
    """Pairs of all operations; ``by_text`` instructions say which line by its text, else by its
    place.
    """
    random = Random(f"{seed}:{held_out}")
    for _ in range(count):
        yield _pair(random, _page(random, held_out), held_out, by_text)


def _page(random: Random, held_out: bool) -> tuple[Line, ...]:
    lines = tuple(Line(_text(random, held_out), random.choice(strings.INKS)) for _ in PLACES)
    if lines[0].text == lines[1].text:
        lines = (lines[0], replace(lines[1], text=_other(random, lines[0].text, held_out)))
    return lines


def _pair(random: Random, lines: tuple[Line, ...], held_out: bool, by_text: bool) -> Pair:
    place, operation = random.randrange(len(lines)), random.choice(OPERATIONS)
    was = lines[place]
    which = f'"{was.text}"' if by_text else f"the {PLACES[place]} line"
    if operation == "text.remove":
        new, said = replace(was, text=""), f"Remove {which}."
    elif operation == "text.recolour":
        ink = random.choice([ink for ink in strings.INKS if ink != was.ink])
        new, said = replace(was, ink=ink), f"Make {which} {ink.name('en')}."
    else:
        new = replace(was, text=_other(random, was.text, held_out))
        said = f'Replace {which} with "{new.text}".'
    after = tuple(new if number == place else line for number, line in enumerate(lines))
    return Pair(lines, after, place, operation, said)


def _text(random: Random, held_out: bool) -> str:
    while True:
        text = "".join(random.choices(_CHARACTERS, k=random.randint(1, strings.LONGEST)))
        if is_held_out(text, HELD_OUT) == held_out:
            return text


def _other(random: Random, than: str, held_out: bool) -> str:
    while True:
        text = _text(random, held_out)
        if text != than:
            return text


def face() -> Font:
    """The face of the style ``strings``."""
    return font(strings.choose_face("en", None))


def page(pen: Font, lines: tuple[Line, ...]) -> NDArray[np.uint8]:
    """(H, W, 3): lines below one another."""
    rows = [strings.written(pen, "en", line.text, line.ink, LINE)[..., :3] for line in lines]
    return np.concatenate(rows)


def write(path: Path, made: Iterable[Pair | tuple[Line, ...]]) -> None:
    """A shard of pairs, or of pages with their captions."""
    pen = face()
    _write_rows(
        path,
        [_pair_row(pen, each) if isinstance(each, Pair) else _page_row(pen, each) for each in made],
    )


def write_judged(path: Path, made: Iterable[Pair]) -> None:
    """A shard of pairs with the lines and the mask that ``infer.evaluation.exact_edits`` asks for;
    training does without.
    """
    pen = face()
    _write_rows(path, [_pair_row(pen, pair) | _known(pair) for pair in made])


def _known(pair: Pair) -> dict[str, Any]:
    mask = np.zeros((LINE[1] * len(PLACES), LINE[0], 4), np.uint8)
    mask[..., 3] = 255
    mask[pair.place * LINE[1] : (pair.place + 1) * LINE[1], :, :3] = 255
    return {
        "edit_mask": {"bytes": png.encode(mask), "path": None},
        "text_boxes": _boxes(pair.after),
        "input_boxes": [_boxes(pair.before)],
    }


def _boxes(lines: tuple[Line, ...]) -> list[dict[str, Any]]:
    width = strings.cell_width("en", LINE[1])
    return [
        {
            "text": line.text,
            "quad": upright_quad(0, place * LINE[1], width * len(line.text), (place + 1) * LINE[1]),
            "level": "line",
        }
        for place, line in enumerate(lines)
        if line.text
    ]


def _write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    table = pa.Table.from_pylist(rows, schema=shard.schema())
    path.parent.mkdir(parents=True, exist_ok=True)
    shard.write(str(path), table.to_batches(), shard.schema())


def _pair_row(pen: Font, pair: Pair) -> dict[str, Any]:
    before, after = (_png(pen, lines) for lines in (pair.before, pair.after))
    return _row(after, pair.instruction, before) | {
        "inputs": [{"bytes": before, "path": None}],
        "caption_instruction": [{"text": pair.instruction, "language": "en"}],
        "edit_kind": "text",
        "edit_operation": pair.operation,
    }


def _page_row(pen: Font, lines: tuple[Line, ...]) -> dict[str, Any]:
    said = caption(lines)
    return _row(_png(pen, lines), said) | {"caption_raw": [{"text": said, "language": "en"}]}


def _row(image: bytes, words: str, source: bytes = b"") -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(shard.schema().names)
    return row | {
        "id": shard.content_id(source + image + words.encode()),
        "key": words,
        "image": {"bytes": image, "path": None},
        "width": LINE[0],
        "height": LINE[1] * len(PLACES),
        "format": "PNG",
        "synthetic": True,
    }


def _png(pen: Font, lines: tuple[Line, ...]) -> bytes:
    rgb = page(pen, lines)
    return png.encode(np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, np.uint8)], 2))
