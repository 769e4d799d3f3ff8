"""A finished run whose rows also have what models and groupings say: nodes, weights, captions."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from making import finished_run
from making.finished_run import FinishedRun

from curation import shard
from curation.output import column_files
from curation.output.groups import GroupColumns, Groups
from curation.output.layout import Layout

CUTS = ("dog (n02084071)", "waterfall (n09475292)", "poster", "portrait", "chart")
DOMAINS = ("nature", "nature", "design", "people", "design")
TARGETS = {"nature": 0.5, "design": 0.3, "people": 0.2}
WEIGHTS = GroupColumns("mix-0123456789ab", ("mix_weight", "token_weight"))
STAGES = GroupColumns(
    "captions-0123456789ab", ("captions_raw_stage", "captions_recaption_stage"), is_ruled=False
)
TEXT, TEXTS = pa.string(), pa.list_(pa.string())
RULES = {
    "s2": {"raw": {"validity": {"in": ["valid"]}}},
    "s5": {"recaption": {"loop": {"max": 0.5}}},
}


def describe(finished: FinishedRun, evil: str = "") -> FinishedRun:
    """The same run with those columns; ``evil`` is a part of all that strangers and models say."""
    layout = Layout(finished.output)
    run = json.loads(Path(layout.run).read_text())
    groups = Groups(layout, {**finished_run.groups(layout).groupings, "mix": WEIGHTS, "c": STAGES})
    for name in finished.units:
        path = finished_run.measured(layout).base_path(name)
        table = pq.read_table(path)
        column_files.write(path, _described(table, evil))
        _write_groups(groups, name, table)
    run["groups"] = groups.as_json()
    configuration = run["configuration"]
    configuration["settings"] = {"mix": {"targets": {"domain": {**TARGETS}}}}
    for stage, rules in RULES.items():
        configuration["stages"][stage]["captions"] = rules
    configuration["quotas"] = {"few": {"by": "cut", "count": 3, "since": "s2"}}
    run["counts"]["quotas"] = {"few": {"s2": {f"dog{evil}": {"kept": 3, "of": 9}}}}
    Path(layout.run).write_text(json.dumps(run))
    return finished


def _described(table: pa.Table, evil: str) -> pa.Table:
    reasons, origins = (table.column(of).to_pylist() for of in ("reason", "caption_origin"))
    numbers = range(table.num_rows)
    known = [reasons[row] is None and row % 11 != 7 for row in numbers]
    problem = ["none" if row % 6 else f"looping{evil}" for row in numbers]
    recaption = [f"A picture, 一张图片 {evil}" if of == "none" else None for of in problem]
    fused = [None if of is None else f"{of} The source names Rome." for of in recaption]
    domains = [f"{DOMAINS[row % 5]}{evil if row % 5 == 4 else ''}" for row in numbers]
    validity = ["refusal" if row % 5 == 0 else "valid" for row in numbers]
    loop = [0.9 if row % 4 == 0 else 0.1 for row in numbers]
    columns = {
        "domain": _where(known, domains),
        "cut": _where(known, [f"{CUTS[row % 5]}{evil}" for row in numbers]),
        "node_confidence": _where(known, [row % 10 / 10 for row in numbers], pa.float32()),
        "retrieved_by": _where([row % 9 == 0 for row in numbers], [f"a dog{evil}"] * len(numbers)),
        "recaption_problem": pa.array(problem),
        "caption_recaption": _captions(recaption),
        "caption_fused": _captions(fused),
        "caption_raw.validity": _where(origins, [[of] for of in validity], TEXTS),
        "caption_recaption.loop": _where(recaption, [[of] for of in loop], pa.list_(pa.float32())),
    }
    for name, values in columns.items():
        table = table.append_column(name, values)
    return table


def _where(there: Sequence[object], values: Sequence[object], kind: Any = TEXT) -> pa.Array:
    """The values where something is there, else null."""
    return pa.array(
        [of if is_there else None for is_there, of in zip(there, values, strict=True)], kind
    )


def _captions(texts: list[str | None]) -> pa.Array:
    entries = [
        None if of is None else [{"text": of, "language": "zh", "origin": "m", "stage": None}]
        for of in texts
    ]
    return pa.array(entries, shard.CAPTIONS)


def _write_groups(groups: Groups, name: str, table: pa.Table) -> None:
    count = table.num_rows
    raw = [
        None if of is None else ["s1" if row % 5 == 0 else "s5"]
        for row, of in enumerate(table.column("caption_origin").to_pylist())
    ]
    recaption = [None if row % 6 == 0 else ["s2" if row % 4 == 0 else "s5"] for row in range(count)]
    stages = dict(zip(STAGES.columns, (raw, recaption), strict=True))
    weights = {"mix_weight": np.where(np.arange(count) % 5 < 2, 0.5, 2.0).astype(np.float32)}
    weights["token_weight"] = np.ones(count, np.float32)
    kinds = pa.list_(pa.string())
    column_files.write(groups.path("mix", name), pa.table(weights))
    lists = {of: pa.array(values, kinds) for of, values in stages.items()}
    column_files.write(groups.path("c", name), pa.table(lists))
