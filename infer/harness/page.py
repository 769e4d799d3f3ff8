"""The page of a result: figures, settings, and the worst cases beside what was asked and read.

Every string is escaped by jinja2; the page loads nothing and runs nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from curation import storage
from curation.picture import contact_sheet
from infer.harness import contamination, results, sources
from infer.harness.judges import data_url
from infer.harness.rows import Request, Row
from infer.harness.sources import opened

WORST = 24
_SIDE = 256  # pixels: the longer side of an image on the page


def write(
    out: Path,
    result: Mapping[str, Any],
    rows: Sequence[Row],
    images: Path,
    requests: Sequence[Request],
    legend: str = "",
) -> None:
    """``report.html``; ``requests`` have what was to be edited, and ``legend`` says how to read the
    worst images. Raises ``OSError``, and ``UsageError`` for an input that is no image.
    """
    worst = sorted(rows, key=lambda row: (row.score, row.id, row.k))[:WORST]
    asked = {request.file: request for request in requests}
    shown = [_shown(row, images, asked[row.file]) for row in worst]
    text = render(result, shown, len(rows), legend)
    storage.write_bytes(str(out / results.PAGE), text.encode("utf-8", "replace"))


def render(
    result: Mapping[str, Any], worst: Sequence[Mapping[str, Any]], images: int, legend: str
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
    environment.filters["plain"] = lambda value: json.dumps(value, ensure_ascii=False)
    template = environment.get_template("page.html")
    sentence = contamination.sentence(result["contamination"])
    said = {"contamination": sentence, "legend": legend}
    return template.render(result=result, worst=worst, images=images, **said)


def _shown(row: Row, images: Path, request: Request) -> dict[str, Any]:
    shown = {"file": row.file, "prompt": row.prompt, "texts": row.texts, "read": row.read}
    addresses = {
        "inputs": [_address(image) for image in _inputs(images, request)],
        "address": _address(opened(images, request)),
    }
    said = {"score": row.score, "group": row.group, "seed": row.seed}
    return {**shown, **said, **addresses}


def _inputs(images: Path, request: Request) -> list[Image.Image | None]:
    """What was edited: the inputs, and the image of another request."""
    before = [] if request.edits is None else [replace(request, id=request.edits)]
    return [*sources.inputs(request), *(opened(images, each) for each in before)]


def _address(image: Image.Image | None) -> str:
    return data_url(contact_sheet.fit(image, _SIDE)) if image else ""
