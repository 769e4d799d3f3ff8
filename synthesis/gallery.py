"""A rendering as one HTML page to look at: images with captions and boxes, and what was rejected.

The page loads nothing and runs nothing: images lie in it, boxes are switched by style sheet
alone, and a content security policy says so. It depends on the shards alone: same shards, same
bytes. Boxes are outlined a little outside of themselves: a quad ends where its ink does, so that a
line on it would cover baselines and full stops.
"""

import base64
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2

from curation import shard, storage
from curation.picture import decoding
from synthesis import pairs_shown
from synthesis.raster import Pixels

MOST_IMAGES = 96
LONGEST_SIDE = 640  # pixels: larger images are reduced, so that the page stays some megabytes
QUALITY = 80  # of WebP, 0 to 100
LEVELS = ("block", "line", "word", "glyph")
TITLED = ("block", "line")  # levels whose boxes tell their text; of the others there are too many
_SHOWN = 320  # pixels: about the longest side of an image that is not enlarged
_APART = {"block": 3.2, "line": 1.7, "word": 1.0, "glyph": 0.5}  # such pixels from ink to outline
_COLUMNS = (
    *("key", "image", "width", "height", "caption_recaption", "annotation", "text_boxes"),
    *pairs_shown.COLUMNS,
)


@dataclass(frozen=True)
class Box:
    """A box that tells its text: ``path`` is SVG path data in pixels of the image."""

    path: str
    text: str


@dataclass(frozen=True)
class Input:
    """What an edit began with: it stands ``offset`` pixels of the image to the result's left.

    ``mask`` is SVG path data around what may differ in the result.
    """

    source: str
    width: int
    height: int
    offset: int
    mask: str


@dataclass(frozen=True)
class Shown:
    """An image of the page: ``boxes`` and ``outlines`` by level, ``order`` through the lines.

    ``captions`` are (language, text); those of an edit with an ``input`` are its instructions.
    """

    name: str
    font: str
    width: int
    height: int
    source: str
    captions: Sequence[tuple[str, str]]
    annotation: str
    counts: Mapping[str, int]
    boxes: Mapping[str, Sequence[Box]]
    outlines: Mapping[str, str]
    order: str
    input: Input | None = None


def write(
    path: str,
    shards: Sequence[str],
    settings: Mapping[str, str],
    rejected: Mapping[str, int],
    rows: int,
) -> None:
    """Write the page of a rendering of ``rows`` images, atomically.

    ``rejected`` counts texts by reason, and images given up under ``gave_up``.
    Raises ``ShardError``, ``OSError``.
    """
    page = render([_shown(row) for row in _spread(shards)], settings, rejected, rows)
    storage.write_bytes(path, page.encode("utf-8", "replace"))


def render(
    shown: Sequence[Shown], settings: Mapping[str, str], rejected: Mapping[str, int], rows: int
) -> str:
    """The page as HTML text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only where it is needed

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = lambda number: f"{number:,}"
    reasons = {reason: many for reason, many in rejected.items() if reason != "gave_up"}
    boxes: Counter[str] = Counter()
    for image in shown:
        boxes.update(image.counts)
    return environment.get_template("gallery.html").render(
        shown=shown,
        settings=settings,
        rows=rows,
        missing=rejected.get("gave_up", 0),
        reasons=sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0])),
        refused=sum(reasons.values()),
        fonts=sorted(Counter(image.font for image in shown).items()),
        levels=[(level, boxes[level]) for level in LEVELS],
    )


def _spread(shards: Sequence[str]) -> Iterator[dict[str, Any]]:
    """At most ``MOST_IMAGES`` rows: the first ones of shards evenly apart."""
    chosen = shards[:: math.ceil(len(shards) / MOST_IMAGES)] if shards else []
    for number, path in enumerate(chosen):
        share = MOST_IMAGES * (number + 1) // len(chosen) - MOST_IMAGES * number // len(chosen)
        rows = (row for batch in shard.read(path, columns=_COLUMNS) for row in batch.to_pylist())
        yield from islice(rows, share)


def _shown(row: Mapping[str, Any]) -> Shown:
    by_level: dict[str, list[Mapping[str, Any]]] = {level: [] for level in LEVELS}
    for box in row["text_boxes"] or ():
        by_level[box["level"]].append(box)
    name, _, font = row["key"].rpartition("/")
    unit = max(row["width"], row["height"]) / _SHOWN
    return Shown(
        name=name,
        font=font,
        width=row["width"],
        height=row["height"],
        source=_data_uri(decoding.decode(row["image"]["bytes"], short_side=None).rgb),
        captions=_captions(row),
        annotation=_indented(row["annotation"]),
        counts={level: len(boxes) for level, boxes in by_level.items()},
        boxes={
            level: [
                Box(_outline(box["quad"], _APART[level] * unit), box["text"])
                for box in by_level[level]
            ]
            for level in TITLED
        },
        outlines={
            level: "".join(_outline(box["quad"], _APART[level] * unit) for box in by_level[level])
            for level in LEVELS
            if level not in TITLED
        },
        order=" ".join(_middle(box["quad"]) for box in by_level["line"]),
        input=_input(row),
    )


def _captions(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    if row["caption_recaption"]:
        caption = row["caption_recaption"][0]
        return [(caption["language"], caption["text"])]
    return pairs_shown.instructions(row)


def _input(row: Mapping[str, Any]) -> Input | None:
    rgb = pairs_shown.input_of(row)
    if rgb is None:
        return None
    height, width = rgb.shape[:2]
    offset = width + round(pairs_shown.GAP * row["width"])
    return Input(_data_uri(rgb), width, height, offset, pairs_shown.outline(row))


def _data_uri(rgb: Pixels) -> str:
    scale = LONGEST_SIDE / max(rgb.shape[:2])
    if scale < 1:
        rgb = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    colour = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".webp", colour, (cv2.IMWRITE_WEBP_QUALITY, QUALITY))
    if not done:
        raise RuntimeError(f"OpenCV could not encode a {rgb.shape} image as WebP")
    return "data:image/webp;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def _outline(quad: Sequence[float], apart: float) -> str:
    """SVG path data around a quad, ``apart`` pixels outside of it, to the half pixel."""
    corners = list(zip(quad[::2], quad[1::2], strict=True))
    pairs = []
    for number, corner in enumerate(corners):
        x, y = corner
        for other in (corners[number - 1], corners[(number + 1) % len(corners)]):
            distance = math.dist(corner, other) or 1.0
            x += apart * (corner[0] - other[0]) / distance
            y += apart * (corner[1] - other[1]) / distance
        pairs.append(f"{_number(x)} {_number(y)}")
    return f"M{'L'.join(pairs)}Z"


def _middle(quad: Sequence[float]) -> str:
    return f"{_number(sum(quad[::2]) / 4)},{_number(sum(quad[1::2]) / 4)}"


def _number(value: float) -> str:
    return f"{round(value * 2) / 2:g}"


def _indented(annotation: str | None) -> str:
    return json.dumps(json.loads(annotation or "{}"), ensure_ascii=False, indent=2)
