"""What ``beam gate`` checks of captions: those in shards, in columns and in the ledger are counted
anew, and held against what the run counted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.inspect.expectation import Expectation
from curation.judging import ledger
from curation.judging.caption_ends import ANSWERED, PROBLEM
from curation.judging.captions import ASKED, list_lengths
from curation.judging.rules import VERDICTS
from curation.output import column_files
from curation.output.layout import Layout
from curation.output.measured import LOOKED, Measured
from curation.report.outcome import stages
from curation.signals import captions
from curation.signals.captions import SPLITS

Kept = Counter[tuple[str, str]]  # captions by split and stage
Ends = Counter[tuple[str, str]]  # by split and verdict
NAMES = ("captions_in", "captions_in_ledger", "captions_in_shards")


def kept(table: pa.Table, configuration: Mapping[str, Any]) -> Kept:
    """The captions of a shard that reached the stage that a row must pass, or a deeper one.

    Without rules on captions they have no stage of their own: that of their image counts.
    """
    of_run = stages({"configuration": configuration})
    is_ruled = any(stage.get("captions") for stage in of_run.values())
    names = [*of_run]
    deciding = {*names[names.index(configuration["keep"]) :]}
    images, counted = table.column("stage").combine_chunks(), Kept()
    for split in SPLITS:
        lists = table.column(f"caption_{split}").combine_chunks()
        reached = images.take(pc.list_parent_indices(lists))
        if is_ruled:
            reached = pc.struct_field(pc.list_flatten(lists), "stage")
        for of in pc.value_counts(reached).to_pylist():
            if of["values"] in deciding:
                counted[split, of["values"]] += of["counts"]
    return counted


def promises(output: str, run: Mapping[str, Any], in_shards: Kept) -> Iterator[Expectation]:
    """Of each split: as many came in as columns hold, each has its end in the ledger, and as many
    are kept as shards hold. Raises ``ColumnFileError``.
    """
    counted = run["counts"].get("captions", {}).get("splits")
    if counted is None:  # of a version that counted no captions
        return
    units = Layout(output).units("ledger")  # none where shards were moved elsewhere alone
    came_in, ends = _recounted(output, run, units)
    for split in SPLITS:
        of, column = counted.get(split, {}), f"caption_{split}"
        total = of.get("in", 0)
        if units:
            off = abs(came_in[split] - total)
            says = f"as many in columns as came in, {total:,}"
            yield Expectation("captions_in", column, not off, off, 0, says)
            off = sum(abs(ends[split, verdict] - of.get(verdict, 0)) for verdict in VERDICTS)
            says = f"as many of each verdict in the ledger as were counted, {total:,}"
            yield Expectation("captions_in_ledger", column, not off, off, 0, says)
        there = Counter({stage: n for (name, stage), n in in_shards.items() if name == split})
        wanted = Counter(of.get("stages", {}))
        off = ((there - wanted) + (wanted - there)).total()
        says = f"as many of each stage in shards as were kept, {wanted.total():,}"
        yield Expectation("captions_in_shards", column, not off, off, 0, says)


def _recounted(
    output: str, run: Mapping[str, Any], units: Sequence[str]
) -> tuple[Counter[str], Ends]:
    """How many captions the columns of units hold by split, and their ends in the ledger."""
    layout, measured = Layout(output), Measured.of_run(output, run)
    came_in, ends = Counter[str](), Ends()
    for unit in units:
        for split in SPLITS:
            came_in[split] += _came_in(measured, unit, split)
        lists = column_files.read(layout.ledger(unit), (ledger.CAPTIONS.name,)).column(0)
        flat = pc.list_flatten(lists.combine_chunks())
        pairs = pa.table({name: pc.struct_field(flat, name) for name in ("split", "verdict")})
        counted = pairs.group_by(["split", "verdict"]).aggregate([([], "count_all")])
        for of in counted.to_pylist():
            ends[of["split"], of["verdict"]] += of["count_all"]
    return came_in, ends


def _came_in(measured: Measured, unit: str, split: str) -> int:
    """How many captions of a split a unit has: of its sources, else what a model wrote, or an
    answer that was none.
    """
    own, counts = f"caption_{split}", captions.counted(split)
    models = {name: of for name, of in measured.models.items() if own in of.columns}
    writes = [own] if own in measured.schema(unit).names else []
    asks = [name for name, of in models.items() if split == ASKED and PROBLEM in of.columns]
    says = [PROBLEM, *(LOOKED + name for name in asks)] if asks else []
    table = measured.read(unit, [counts, *writes, *says])
    said = np.asarray(table.column(counts), np.int64)
    wrote, asked = np.zeros((2, len(said)), np.int64)
    if writes:
        wrote = np.maximum(list_lengths(table.column(own)), 0)
    for name in asks:
        looked = np.asarray(table.column(LOOKED + name), np.bool_)
        asked = looked & np.array([of != ANSWERED for of in table.column(PROBLEM).to_pylist()])
    return int(np.where(said > 0, said, np.where(wrote > 0, wrote, asked)).sum())
