"""Slides of our own told as HTML: the same surfaces, texts, fonts, sizes and colours.

Charts, icons and pictures are left out, so that a browser has less to draw than we have.
"""

import html
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from synthesis import jobs, modes
from synthesis.job import Job
from synthesis.sample import Sample
from synthesis.template import filled, loading

STYLE = "div{position:absolute;white-space:pre-wrap;margin:0;padding:0;box-sizing:border-box}"


def templates(folder: Path) -> Path:
    """A folder of the shipped templates that are slides."""
    place = folder / "templates"
    if not place.exists():
        place.mkdir()
        for path in map(Path, loading.shipped_paths()):
            if path.stem.startswith("slide-"):
                shutil.copyfile(path, place / path.name)
    return place


def write(place: Path, fonts: Path, setup: dict[str, str], count: int) -> None:
    """``count`` slides as JSON lines, each also as a document of its own.

    Beside them ``.html`` is the page that has the fonts and nothing else.
    """
    job = jobs.prepare(
        setup["language"],
        "template",
        size=setup["size"],
        fonts=setup["fonts"],
        templates=setup["templates"],
    )
    width, height = job.sizes[0]
    page = _page(fonts)
    place.with_suffix(".html").write_text(page, "utf-8")
    rows = []
    for number, (sample, placed, background) in enumerate(_drawn(job, count)):
        body = _slide(placed, background)
        document = place.with_name(f"slide-{number}.html")
        document.write_text(page + body, "utf-8")
        row = {
            "html": body,
            "address": document.absolute().as_uri(),
            "characters": sum(box.level == "glyph" for box in sample.boxes),
            "width": width,
            "height": height,
        }
        rows.append(json.dumps(row, ensure_ascii=False))
    place.write_text("\n".join(rows) + "\n", "utf-8")


def _page(fonts: Path) -> str:
    faces = "".join(
        f"@font-face{{font-family:'{path.stem}';src:url('{path.absolute().as_uri()}')}}"
        for path in sorted(fonts.glob("*.[ot]tf"))
    )
    return f"<!doctype html><meta charset=utf-8><style>{faces}{STYLE}body{{margin:0}}</style><body>"


def _drawn(job: Job, count: int) -> Iterator[tuple[Sample, Any, Any]]:
    """Samples with their arrangement and background, as the template mode paints them."""
    seen: list[tuple[Any, Any]] = []
    paint = filled.paint

    def watching(size: Any, background: Any, placed: Any) -> Any:
        seen.append((placed, background))
        return paint(size, background, placed)

    index = given = 0
    with patch.object(filled, "paint", watching):
        while given < count:
            made = modes.render(job, index)
            index += 1
            if isinstance(made, Sample):
                given += 1
                yield made, *seen[-1]


def _slide(placed: Any, background: Sequence[int]) -> str:
    pieces = [f"<div style='inset:0;background:{_colour(background)}'></div>"]
    for arranged in placed.parts:
        part = arranged.part
        if part.fill or part.border is not None:
            style = _place(arranged.box)
            style += f"background:{_colour(part.fill[0])};" if part.fill else ""
            style += f"border:1px solid {_colour(part.border)};" if part.border else ""
            pieces.append(f"<div style='{style}'></div>")
    inner = {id(arranged_part.part): arranged_part.inner for arranged_part in placed.parts}
    for part, text in placed.texts:
        run = text.runs[0]
        style = _place(inner[id(part)])
        style += f"color:{_colour(part.ink)};font:{run.size}px/1.3 '{run.font.file.postscript}';"
        style += f"text-align:{ {'centre': 'center'}.get(part.align, part.align) };"
        pieces.append(f'<div class=t style="{style}">{html.escape(part.text)}</div>')
    return "".join(pieces)


def _place(box: Any) -> str:
    left, top, width, height = box
    return f"left:{left:.1f}px;top:{top:.1f}px;width:{width:.1f}px;height:{height:.1f}px;"


def _colour(rgb: Sequence[int]) -> str:
    return "#" + "".join(f"{level:02x}" for level in rgb[:3])
