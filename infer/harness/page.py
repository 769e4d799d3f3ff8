"""The page of a result: figures, settings, and the worst cases beside what was asked and read.

Every string is escaped by jinja2; the page loads nothing and runs nothing.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curation import storage
from curation.picture import contact_sheet
from infer.harness import contamination, results
from infer.harness.judges import data_url
from infer.harness.rows import Request, Row
from infer.harness.sources import opened

WORST = 24
_SIDE = 256  # pixels: the longer side of an image on the page


def write(out: Path, result: Mapping[str, Any], rows: Sequence[Row], images: Path) -> None:
    """``report.html``. Raises ``OSError``."""
    worst = sorted(rows, key=lambda row: (row.score, row.id, row.k))[:WORST]
    text = render(result, [_shown(row, images) for row in worst], len(rows))
    storage.write_bytes(str(out / results.PAGE), text.encode("utf-8", "replace"))


def render(result: Mapping[str, Any], worst: Sequence[Mapping[str, Any]], images: int) -> str:
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
    return template.render(result=result, worst=worst, images=images, contamination=sentence)


def _shown(row: Row, images: Path) -> dict[str, Any]:
    image = opened(images, Request(row.id, row.prompt, row.k))
    address = data_url(contact_sheet.fit(image, _SIDE)) if image else ""
    shown = {"file": row.file, "prompt": row.prompt, "texts": row.texts, "read": row.read}
    return {**shown, "score": row.score, "group": row.group, "seed": row.seed, "address": address}
