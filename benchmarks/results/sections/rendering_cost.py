"""What a text image costs beside peers."""

import json
from pathlib import Path

from benchmarks.results.section import Column, Row, Section, Table, Tables, number, text


def take(out: Path) -> Tables:
    """A row for each renderer of a contest, with its time beside ours; not the bare pixels."""
    rows = json.loads((out / "rows.json").read_text("utf-8"))
    ours = {row["contest"]: row["ms"] for row in rows if row["renderer"] == "ours"}
    kept: list[Row] = []
    for row in rows:
        if row["renderer"].startswith("bare"):
            continue
        times = {"times": row["ms"] / ours[row["contest"]]} if "ms" in row else {}
        kept.append(row | times)
    return {"renderers": kept}


def _renderer(row: Row) -> str:
    return f"{row['renderer']} (not here)" if "absent" in row else str(row["renderer"])


def _range(row: Row) -> str:
    return f"{row['least']:.2f} to {row['most']:.2f}" if "least" in row else "–"


def gist(tables: Tables) -> str:
    """The range beside each peer."""
    times: dict[str, list[float]] = {}
    for row in tables["renderers"]:
        peer = row["renderer"].split(",")[0]
        if "times" in row and peer != "ours":
            times.setdefault(peer, []).append(row["times"])
    ranges = (f"{name} {min(of):.0f} to {max(of):.0f} times" for name, of in times.items())
    return f"for the same texts {', '.join(ranges)} our CPU time"


SECTION = Section(
    name="rendering_cost",
    title="Rendering text",
    commands=(
        "python -m benchmarks.text_images --kinds lines,paragraphs --repeats 5"
        " --json {out}/rows.json",
    ),
    take=take,
    tables=(
        Table(
            "renderers",
            (
                Column("images", text("contest")),
                Column("renderer", _renderer),
                Column("CPU-ms an image, median", number("ms", ".2f")),
                Column("least and most of the turns", _range),
                Column("characters an image", number("characters", ".0f")),
                Column("times ours", number("times", ".1f")),
            ),
        ),
    ),
    reads="The same texts in the same fonts, in turn, each renderer in a process and on a thread"
    " of its own; the image is encoded in memory. Ours also makes quads of every line, word"
    " and glyph and captions in that time.",
    silent="Nothing of how the images look, or how much they teach. SynthTIGER's effects (its"
    " example) and SynthDoG are compared only where their repositories can be cloned; where"
    " they could not, the row says so.",
    gist=gist,
    packages=("skia-python", "uharfbuzz", "opencv-python-headless"),
    judges=True,
)
