"""A finished run of a few hundred little images, written without measuring anything.

The images, the plan and the ledger are real (``curation.sources.plan``, ``rules``, ``ledger``,
``shard``); the signals come of a seed, so that tests of the report and of explain are quick.
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from making.pipelines import pipeline_of
from PIL import Image

from curation import shard
from curation.configuration.loading import Bound, Pipeline, Stage, resolved
from curation.judging import ledger, rules
from curation.judging.ledger import Counts
from curation.output import column_files
from curation.output.groups import GroupColumns, Groups
from curation.output.layout import Layout
from curation.output.measured import Measured
from curation.sources import plan

TIERS = {
    "size": "file",
    "short_side": "file",
    "rotation": "file",
    "clarity": "pixel",
    "luma": "pixel",
    "nsfw_open": "model",
    "exact_better": "group",
    "pair_better": "group",
    "near_better": "group",
}
SIGNALS = pa.schema(
    [
        pa.field("uri", pa.string()),
        pa.field("key", pa.string()),
        pa.field("id", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("caption_origin", pa.string()),
        pa.field("side_file_problem", pa.string()),
        pa.field("format", pa.string()),
        pa.field("short_side", pa.int32()),
        pa.field("rotation", pa.int16()),
        pa.field("clarity", pa.float32()),
        pa.field("luma", pa.float32()),
        pa.field("nsfw_open", pa.float32()),
    ]
)
BROKEN = {"empty": b"", "html": b"<html><script>alert(1)</script></html>", "truncated": None}


@dataclass(frozen=True)
class FinishedRun:
    """Where it lies, its pictures, and its counts as ``run.json`` tells them."""

    output: str
    pictures: Path
    counts: dict[str, int]
    units: tuple[str, ...]


def pipeline() -> Pipeline:
    """Two stages and a third, deeper than what is kept."""
    first = Stage(
        name="s1",
        resolution=256,
        bounds={
            "size": Bound(min=400, max=50_000_000),
            "short_side": Bound(min=256),
            "exact_better": Bound(max=0),
            "near_better": Bound(max=0),
            "nsfw_open": Bound(max=0.5),
        },
    )
    second = Stage(
        name="s2",
        resolution=256,
        bounds={
            "clarity": Bound(min=0.2),
            "rotation": Bound(max=0),
            "luma": Bound(min=0.05, max=0.97),
        },
    )
    third = Stage(name="s5", resolution=640, bounds={"clarity": Bound(min=0.5)})
    settings = {"seed": 7, "keep": "s2", "quarantine_limit": 0.5, "quality": ("clarity",)}
    return pipeline_of(first, second, third, **settings)


def build(
    root: Path,
    *,
    rows: int = 240,
    size: tuple[int, int] | None = None,
    broken_only: str | None = None,
    rename: Callable[[int, str], str | bytes] = lambda row, key: key,
    detail: Callable[[int], str | None] = lambda row: "as a test",
    caption: Callable[[int], bytes] = lambda row: f"picture number {row}".encode(),
) -> FinishedRun:
    """Write pictures into ``root/pictures`` and a finished run into ``root/out``.

    ``rename`` gives a row's key (bytes may be no UTF-8), ``detail`` what is wrong with a broken
    file, ``caption`` the bytes of its caption file; ``size`` is that of all pictures, and
    ``broken_only`` what all broken files are.
    """
    pictures, output = root / "pictures", root / "out"
    pictures.mkdir(parents=True)
    for row in range(rows):
        name = f"{row:04d}.jpg"
        (pictures / name).write_bytes(_content(row, size, broken_only))
        (pictures / name).with_suffix(".txt").write_bytes(caption(row))
    units = plan.plan([str(pictures)], unit_rows=max(1, rows * 2 // 3))
    tables, first = [], 0
    for unit in units:
        plan.write_unit(str(output / "plan"), unit)
        tables.append(_signals(unit.parts, first, rename, detail, broken_only))
        first += len(unit.parts)
    names = tuple(unit.id for unit in units)
    counts = _write(Layout(str(output)), names, tables)
    return FinishedRun(str(output), pictures, counts, names)


def _content(row: int, size: tuple[int, int] | None, broken_only: str | None) -> bytes:
    if row % 23 == 5:
        content = BROKEN[broken_only or list(BROKEN)[row % 3]]
        return _jpeg(row, size)[:200] if content is None else content
    return _jpeg(
        row - 1 if row % 17 == 4 else row, size
    )  # row % 17 == 4: same bytes as the one before


def _jpeg(row: int, size: tuple[int, int] | None) -> bytes:
    rng = np.random.default_rng(row)
    corners = rng.integers(0, 256, (3, 4, 3), np.uint8)
    size = size or ((72, 48) if row % 2 else (40, 60))
    stream = io.BytesIO()
    Image.fromarray(corners).resize(size, Image.Resampling.BICUBIC).save(stream, "JPEG")
    return stream.getvalue()


def _signals(
    parts: tuple[plan.Part, ...],
    first: int,
    rename: Callable[[int, str], str | bytes],
    detail: Callable[[int], str | None],
    broken_only: str | None,
) -> pa.Table:
    found: dict[str, list[object]] = {name: [] for name in SIGNALS.names}
    for row, part in enumerate(parts, first):
        rng = np.random.default_rng([row, 1])
        data = Path(part.path).read_bytes()
        broken = row % 23 == 5
        measured = {
            "format": "JPEG",
            "short_side": int(rng.choice([200, 300, 480, 1024], p=[0.05, 0.25, 0.4, 0.3])),
            "rotation": int(rng.choice([0, 90], p=[0.97, 0.03])),
            "clarity": float(rng.beta(4, 4)),
            "luma": float(rng.beta(3, 3)),
            "nsfw_open": 0.9 if row % 29 == 3 else float(rng.beta(1, 9)),
        }
        renamed = rename(row, part.key)
        values = {
            "uri": part.path.encode(),
            "key": renamed if isinstance(renamed, bytes) else renamed.encode(),
            "id": shard.content_id(data),
            "size": len(data),
            "reason": (broken_only or list(BROKEN)[row % 3]) if broken else None,
            "detail": detail(row) if broken else None,
            "caption_origin": None if row % 4 == 0 else detail(1) if row % 31 == 1 else ".txt",
            "side_file_problem": f"{row}.json: {detail(row)}" if row % 31 == 8 else None,
            **(dict.fromkeys(measured) if broken else measured),
        }
        for name, value in values.items():
            found[name].append(value)
    arrays = [
        pa.array(found[field.name], pa.binary()).view(pa.string())
        if field.name in ("uri", "key")
        else pa.array(found[field.name], field.type)
        for field in SIGNALS
    ]
    return pa.Table.from_arrays(arrays, schema=SIGNALS)


def measured(layout: Layout) -> Measured:
    """Where its columns lie: all in one file a unit."""
    return Measured(layout, "base-" + "0" * 12, {})


def _write(layout: Layout, units: tuple[str, ...], tables: list[pa.Table]) -> dict[str, int]:
    chosen, everything = pipeline(), pa.concat_tables(tables)
    reasons = column_files.is_null(everything.column("reason"))
    exact, near, representative = _duplicates(everything.column("id").to_pylist(), reasons)
    groups_of = {"exact_better": exact, "pair_better": exact, "near_better": near}
    ordered = rules.checks(chosen, TIERS)

    def values(column: str) -> np.ndarray:
        return (
            groups_of[column]
            if column in groups_of
            else column_files.as_float(everything.column(column))
        )

    def seen(check: rules.Check) -> rules.Seen:
        return rules.numbers(check, values(check.column))

    stops = rules.stops(seen, reasons, enumerate(ordered))
    judged = rules.judgement(stops, reasons, ordered, chosen)
    held = rules.held_against(seen, judged, ordered)
    counts, start, kept = Counts(), 0, []
    for unit, table in zip(units, tables, strict=True):
        rows = slice(start, start + table.num_rows)
        start = rows.stop
        own = rules.Judgement(*(of[rows] for of in vars(judged).values()))
        column_files.write(measured(layout).base_path(unit), table)
        looked = np.ones(table.num_rows, np.bool_)
        refers = dict.fromkeys(groups_of, pa.chunked_array([pa.array(representative[rows])]))
        against = rules.Held(*(of[rows] for of in held))
        written = ledger.rows(table, own, ordered, chosen, against, refers, ~looked)
        silent = pa.array([[]] * table.num_rows, ledger.CAPTIONS.type)
        written = written.append_column(ledger.CAPTIONS, silent)
        column_files.write(layout.ledger(unit), written)
        ledger.count_captions(counts, table, own.verdict == rules.KEPT)
        broken = table.column("reason").drop_null()
        ledger.count(counts, own, broken, ordered, chosen, ~looked)
        of_kinds = [of[rows].astype("int32") for of in (exact, exact, near)]
        columns = [*of_kinds, representative[rows]]
        groups(layout).write(unit, pa.table(columns, schema=pa.schema(shard.GROUP_FIELDS)))
        chosen_rows = written.filter(pa.array(own.verdict == rules.KEPT))
        keys = chosen_rows.column("key").cast(pa.binary()).to_pylist()
        kept += [
            {"id": name, "key": key.decode(errors="replace"), "synthetic": False}
            | {"image": {"bytes": b"", "path": "p.jpg"}}
            for name, key in zip(chosen_rows.column("id").to_pylist(), keys, strict=True)
        ]
    _write_shard(layout, kept)
    _write_run(layout, chosen, counts)
    return counts.as_json()


def _duplicates(
    ids: list[str], readable: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
    """Which rows have the same bytes as an earlier one, which are said to look like the one before,
    and of which id they are duplicates: (N,) each.
    """
    exact, near = np.zeros(len(ids)), np.zeros(len(ids))
    representative: list[str | None] = [None] * len(ids)
    first_row: dict[str, int] = {}
    for row in np.flatnonzero(readable).tolist():
        if ids[row] in first_row:
            exact[row], representative[row] = 1, ids[row]
        elif row % 19 == 7 and readable[row - 1]:
            near[row], representative[row] = 1, ids[row - 1]
        first_row.setdefault(ids[row], row)
    return exact, near, representative


def _write_shard(layout: Layout, kept: list[dict[str, object]]) -> None:
    schema = shard.schema()
    batch = pa.RecordBatch.from_pylist(sorted(kept, key=lambda row: str(row["id"])), schema=schema)
    path = str(Path(layout.shards) / "part-00000-of-00001.parquet")
    shard.write_manifest(layout.shards, [shard.write(path, [batch], schema)])


def groups(layout: Layout) -> Groups:
    """Where the group columns lie."""
    columns = tuple(field.name for field in shard.GROUP_FIELDS)
    duplicates = GroupColumns("duplicates-0123456789ab", columns, "duplicate_of")
    return Groups(layout, {"duplicates": duplicates})


def _write_run(layout: Layout, chosen: Pipeline, counts: Counts) -> None:
    content = {
        "pipeline": chosen.name,
        "configuration": resolved(chosen),
        "inputs": [str(Path(layout.root).parent / "pictures")],
        "versions": {"inkstone": "0.1.0", "pyarrow": pa.__version__},
        "seed": chosen.seed,
        "counts": counts.as_json(),
        "signals": measured(layout).as_json(),
        "groups": groups(layout).as_json(),
        "steps": {
            "measure": {"cpu_seconds": 1.5, "wall_seconds": 0.9, "peak_memory_bytes": 123_000_000},
            "report": {"cpu_seconds": 9.9, "wall_seconds": 9.9, "peak_memory_bytes": 1},
        },
    }
    Path(layout.run).write_text(json.dumps(content, indent=1))
