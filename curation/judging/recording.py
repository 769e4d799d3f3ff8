"""Writing what was decided about a unit: its ledger, its group columns, its part of the funnel."""

import numpy as np
import pyarrow as pa

from curation import shard
from curation.configuration.loading import Pipeline
from curation.groupings.duplicates.grouping import OF_EQUAL_BYTES
from curation.judging import caption_ends, ledger, rules
from curation.judging.decision import Decision
from curation.judging.ledger import SIZES, Counts
from curation.judging.verdicts import Judge
from curation.output import column_files
from curation.output.groups import side_by_side


def count(decision: Decision, pipeline: Pipeline) -> Counts:
    """The unit's part of the funnel."""
    counts, judgement = Counts(), decision.judgement
    judged = (judgement, decision.reading.reasons, decision.ordered, pipeline)
    ledger.count(counts, *judged, decision.unlooked)
    kept = judgement.verdict == rules.KEPT
    for limited in decision.reading.limited:
        counts.quotas.count(limited, kept, judgement.depth, decision.thresholds, pipeline)
    return counts


def record_groups(judge: Judge, unit: str, decision: Decision) -> pa.Table:
    """Write the unit's group columns; returns what is stored of its rows. Raises ``OSError``."""
    table = judge.stored(unit)
    judge.groups.write(unit, judge.all_groups(table, decision))
    return table


def record(judge: Judge, unit: str, decision: Decision) -> Counts:
    """Write the unit's ledger and group columns. Raises ``OSError``."""
    table, groups = record_groups(judge, unit, decision), judge.groups
    judgement, pipeline = decision.judgement, judge.pipeline
    refers = {name: decision.groups.column(of) for name, of in groups.refers.items()}
    refers |= {name: table.column("id") for name in OF_EQUAL_BYTES}
    why = (judge.held_against(table, decision), refers, decision.unlooked)
    columns = side_by_side([table, decision.groups])
    written = ledger.rows(columns, judgement, decision.ordered, pipeline, *why)
    ends = judge.ends(table, decision)
    written = written.append_column(ledger.CAPTIONS, caption_ends.lists(ends, table.num_rows))
    column_files.write(groups.layout.ledger(unit), written)
    counts = count(decision, pipeline)
    kept = judgement.verdict == rules.KEPT
    ledger.count_captions(counts, table, kept)
    counts.caption_ends.count(judge.caption_ends.total(table), ends)
    sizes = sum(column_files.as_float(table.column(name))[kept] for name in SIZES)
    least = shard.SHARD_BYTES // shard.SHARD_ROWS
    counts.kept_bytes[unit] = int(np.maximum(sizes, least).sum())
    return counts
