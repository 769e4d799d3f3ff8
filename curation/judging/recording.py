"""Writing what was decided about a unit: its ledger, its group columns, its part of the funnel."""

import numpy as np

from curation import shard
from curation.configuration.loading import Pipeline
from curation.judging import ledger, rules
from curation.judging.decision import Decision
from curation.judging.ledger import Counts
from curation.output import column_files
from curation.output.groups import Groups

SIZES = ("size", "input_bytes")
COLUMNS = ("key", "id", "reason", "detail", *SIZES, *ledger.CAPTION_COLUMNS)


def count(decision: Decision, pipeline: Pipeline) -> Counts:
    """The unit's part of the funnel."""
    counts, judgement = Counts(), decision.judgement
    reasons = decision.rows.column("reason")
    told = (judgement, reasons, decision.ordered, pipeline)
    ledger.count(counts, *told, decision.unlooked)
    kept = judgement.verdict == rules.KEPT
    for limited in decision.limited:
        counts.quotas.count(limited, kept, judgement.depth, decision.thresholds, pipeline)
    return counts


def record(groups: Groups, pipeline: Pipeline, unit: str, decision: Decision) -> Counts:
    """Write the unit's ledger and group columns. Raises ``OSError``."""
    groups.write(unit, decision.groups)
    judgement, table = decision.judgement, decision.rows
    refers = {name: decision.groups.column(of) for name, of in groups.refers.items()}
    why = (refers, decision.unlooked)
    written = ledger.rows(table, judgement, decision.ordered, pipeline, *why)
    column_files.write(groups.layout.ledger(unit), written)
    counts = count(decision, pipeline)
    kept = judgement.verdict == rules.KEPT
    ledger.count_captions(counts, table, kept)
    sizes = sum(column_files.as_float(table.column(name))[kept] for name in SIZES)
    least = shard.SHARD_BYTES // shard.SHARD_ROWS
    counts.kept_bytes[unit] = int(np.maximum(sizes, least).sum())
    return counts
