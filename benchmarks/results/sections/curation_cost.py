"""What S1 and S2 cost beside peers, and what each does with truncated files."""

import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results.section import Column, Row, Section, Table, Tables, number, share, text


def take(out: Path) -> Tables:
    """Both tables of the benchmark."""
    return dict(json.loads((out / "rows.json").read_text("utf-8")))


def gist(tables: Tables) -> str:
    """Beside each peer, at both sizes."""
    rows = [row for row in tables["cost"] if row["tool"] != "beam run"]
    beside = {peer: [row for row in rows if row["tool"] == peer] for peer in _names(rows)}
    return "; ".join(
        f"ours takes {' and '.join(format(row['ours_with'], '.2f') for row in own)} of {peer}'s CPU"
        f" time at {' and '.join(row['megapixels'] for row in own)} megapixels"
        for peer, own in beside.items()
    )


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(str(row["tool"]) for row in rows))


SECTION = Section(
    name="curation_cost",
    title="Curating photographs by pixels",
    commands=(
        "python -m benchmarks.peers.curation --data {data}/photos --count 500 --turns 3 --workers 1"
        " --json {out}/rows.json",
    ),
    take=take,
    tables=(
        Table(
            "cost",
            (
                Column("photographs", lambda row: f"{row['files']:,} of {row['megapixels']} MP"),
                Column("tool", text("tool")),
                Column("start-up, CPU-s", number("start_up_s", ".1f")),
                Column("CPU-ms an image beyond it", number("ms_beyond", ".1f")),
                Column("with it", number("ms_with", ".1f")),
                Column("ours takes of its, beyond start-up", number("ours_beyond", ".2f")),
                Column("with it", number("ours_with", ".2f")),
            ),
        ),
        Table(
            "truncated",
            (
                Column("tool", text("tool")),
                Column("truncated files kept", share("kept", "truncated")),
                Column("whole files lost with them", share("lost", "whole")),
            ),
            "Truncated files planted among whole ones",
        ),
    ),
    reads="The tools take the same files in turn, on one thread, from listing the files to"
    " writing what they make of them; medians of the turns. The last two columns are"
    " medians of the ratios of a turn: below 1 ours takes less. A tool that ends at"
    " a truncated file loses all others.",
    silent="The tools do not do the same: ours measures more signals and writes shards with the"
    " images, Data-Juicer runs five operators and writes a list, CleanVision names issues."
    " Models (NSFW, captions, OCR) are left out of all of them and cost far"
    " more. Larger machines and clusters are not measured here.",
    gist=gist,
    packages=("apache-beam", "pillow", "opencv-python-headless", "pyarrow"),
)
