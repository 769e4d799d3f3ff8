"""What was seen where in an image, such as codes, watermarks and text: boxes over thumbnails."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from curation.output.measured import Measured
from curation.sources.sample import Sample

MOST = 40  # boxes over a thumbnail
LEVELS = (None, "line", "block")  # of boxes that a source has: words and glyphs are too small


@dataclass(frozen=True)
class Box:
    """A ``kind`` of thing, what it says, and its corners as SVG has them: ``x,y x,y x,y x,y``."""

    kind: str
    text: str
    points: str


def columns(schema: pa.Schema) -> list[str]:
    """The columns that hold boxes: lists of structs with ``kind`` and ``quad``."""
    return [field.name for field in schema if _is_boxes(field.type)]


def _is_boxes(kind: pa.DataType) -> bool:
    if not pa.types.is_list(kind) or not pa.types.is_struct(kind.value_type):
        return False
    return {"kind", "quad"} <= {field.name for field in kind.value_type}


def measured(
    columns_of: Measured, unit: str, names: Collection[str], uris: Collection[str]
) -> dict[str, tuple[Box, ...]]:
    """The boxes in these rows of a unit, by location."""
    if not names:
        return {}
    table = columns_of.read(unit, ["uri", *names])
    boxes: dict[str, tuple[Box, ...]] = {}
    for row, uri in enumerate(table.column("uri").to_pylist()):
        if uri in uris:
            seen = (region for name in names for region in table.column(name)[row].as_py() or ())
            boxes[uri] = tuple(_boxes(seen))[:MOST]
    return boxes


def of_source(sample: Sample) -> tuple[Box, ...]:
    """The lines of text that the source says the image holds, else its blocks."""
    for level in LEVELS:
        named = [box for box in sample.text_boxes or () if box.get("level") == level]
        if named:
            return tuple(_boxes({**box, "kind": "text"} for box in named))[:MOST]
    return ()


def _boxes(regions: Iterable[Mapping[str, Any]]) -> Iterable[Box]:
    for region in regions:
        quad = [float(number) for number in region.get("quad") or ()]
        if len(quad) == 8 and all(math.isfinite(number) for number in quad):
            corners = zip(quad[::2], quad[1::2], strict=True)
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
            yield Box(region.get("kind") or "box", region.get("text") or "", points)


def said(boxes: Iterable[Box]) -> str:
    """How many of each kind there are, in words."""
    counts = Counter(box.kind for box in boxes)
    return ", ".join(f"{kind} ×{count}" if count > 1 else kind for kind, count in counts.items())
