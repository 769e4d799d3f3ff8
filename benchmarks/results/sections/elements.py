"""Machine codes, borders, collages, screenshots and mosaics: seen, and wrongly seen."""

import json
from pathlib import Path

from benchmarks.results.section import Column, Row, Section, Table, Tables, number, share, text

NAMES = {"codes": "machine codes", "collage": "collages", "screenshot": "user interfaces"}
NAMES |= {"mosaic": "mosaics"}


def take(out: Path) -> Tables:
    """A row for each element: hits of all its labels or strengths, and of clean images."""
    figures = json.loads((out / "figures.json").read_text("utf-8"))
    codes = [row for row in figures["codes"] if row["of"] != "none"]
    seen = {"codes": codes}
    for row in figures["ladders"]:
        seen.setdefault(row["element"], []).append(row)
    clean: dict[str, list[Row]] = {}
    for row in figures["clean"]:
        clean.setdefault(row["element"], []).append(row)
    rows: list[Row] = []
    for name, of in seen.items():
        row = {"element": name} | _sums("seen", of)
        row["weakest"] = min(of, key=lambda each: each["hits"] / each["total"])["of"]
        for each in clean[name]:
            row |= {f"{each['of']}_hits": each["hits"], f"{each['of']}_total": each["total"]}
        row["ms"] = sum(each["ms"] * each["total"] for each in clean[name])
        row["ms"] /= sum(each["total"] for each in clean[name])
        rows.append(row)
    return {"elements": rows}


def _sums(name: str, rows: list[Row]) -> dict[str, int]:
    return {f"{name}_{key}": sum(row[key] for row in rows) for key in ("hits", "total")}


def gist(tables: Tables) -> str:
    """What is seen of each."""
    shares = (
        f"{NAMES.get(row['element']) or row['element']}"
        f" {100 * row['seen_hits'] / row['seen_total']:.0f} %"
        for row in tables["elements"]
    )
    return f"seen of all that were made, the faintest too: {', '.join(shares)}"


SECTION = Section(
    name="elements",
    title="Abnormal elements",
    commands=(
        "python -m benchmarks.elements {data} --every 3 --made 20 --parts codes,clean,ladders"
        " --json {out}/figures.json",
    ),
    take=take,
    tables=(
        Table(
            "elements",
            (
                Column("element", lambda row: NAMES.get(row["element"]) or str(row["element"])),
                Column("seen", share("seen_hits", "seen_total")),
                Column("least seen", text("weakest")),
                *(
                    Column(f"dropped of clean {of}", share(f"{of}_hits", f"{of}_total"))
                    for of in ("photographs", "documents", "clip-art")
                ),
                Column("CPU-ms an image", number("ms", ".1f")),
            ),
        ),
    ),
    reads="Codes are labelled files; the others are made on photographs, of all strengths"
    " together, also those meant to pass. The last column is the signal alone, without"
    " decoding.",
    silent="Elements are made by our own code: those of the wild differ. The same photographs"
    " served when the bounds were chosen. Text and watermarks are in"
    " [elements](elements.md).",
    gist=gist,
    packages=("opencv-python-headless", "zxing-cpp"),
)
