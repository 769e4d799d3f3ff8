"""Everything the report says, gathered in passes over the units' columns.

Memory: one unit's columns at a time, plus what is kept for show and 16 bytes per duplicate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from curation.judging import ledger
from curation.judging.ledger import Counts
from curation.judging.rules import CAPTIONS
from curation.output import finished
from curation.output.groups import Groups
from curation.report import duplicates, funnel, outcome, thumbnails
from curation.report.described import described
from curation.report.duplicates import Group, Pairs
from curation.report.funnel import Funnel, LedgerCounts
from curation.report.histogram import Floats, Histogram, choose_axis, sample
from curation.report.kept import KeptSample, Quarantine
from curation.report.nearest import SIGNAL_COLUMNS, Nearest, Pick
from curation.report.outcome import Bound
from curation.report.thumbnails import Thumbnail
from curation.signals import signal

LEDGER_COLUMNS = (*funnel.KEY_COLUMNS, "key", "id", "duplicate_of", "reason")


@dataclass(frozen=True)
class Duplicates:
    """One kind of duplicates: how many rows, in how many groups, and the largest groups."""

    column: str
    rows: int
    groups: int
    shown: tuple[Group, ...]


@dataclass(frozen=True)
class Collected:
    """The content of a report."""

    run: Mapping[str, Any]
    funnel: Funnel
    captions: Mapping[str, Any]
    histograms: tuple[Histogram, ...]
    nearest: tuple[Nearest, ...]
    unstored: tuple[Bound, ...]
    duplicates: tuple[Duplicates, ...]
    quarantine: Quarantine
    kept: tuple[Pick, ...]
    thumbnails: Mapping[str, Thumbnail]
    described: Mapping[str, signal.Column]


def collect(output: str) -> Collected:
    """Read a finished run. Raises ``OutcomeError``, ``ColumnFileError``."""
    run = finished.read_run(output)
    bounds, grouped = outcome.bounds(run), Groups.of_run(output, run)
    uncharted = (*grouped.ruled, CAPTIONS)  # shown in the funnel, as quotas are
    schema = outcome.signal_schema(output)
    numeric = outcome.numeric_columns(schema)
    of_numbers = tuple(bound for bound in bounds if bound.side != "in" and not bound.quota)
    written = outcome.as_written(run, {bound.column for bound in of_numbers})
    charted = tuple(column for column in written if column in numeric)
    ledger_counts, samples = _first_pass(output, charted)
    histograms = [
        _histogram(column, of_numbers, samples[column], schema.field(column).type)
        for column in charted
    ]
    nearest = [Nearest(bound) for bound in _once(of_numbers) if bound.column in charted]
    kept, quarantine = KeptSample(), Quarantine()
    pairs, counts = [Pairs(column) for column in grouped.refers], Counts()
    wanted = (*SIGNAL_COLUMNS, *ledger.CAPTION_COLUMNS, *charted)
    for unit in outcome.read_units(output, wanted, LEDGER_COLUMNS):
        values = {column: unit.values(column) for column in charted}
        is_kept, readable = unit.is_verdict("kept"), unit.readable()
        for histogram in histograms:
            histogram.add(values[histogram.column][readable], is_kept[readable])
        for entry in nearest:
            entry.add(unit, values[entry.bound.column])
        ledger.count_captions(counts, unit.signals, is_kept)
        kept.add(unit)
        quarantine.add(unit)
        for kind in pairs:
            kind.add(unit)
    groups = tuple(_groups(output, kind) for kind in pairs)
    shown = [
        *kept.picks,
        *(pick for entry in nearest for pick in (*entry.kept, *entry.stopped)),
        *(pick for kind in groups for group in kind.shown for pick in _picks(group)),
    ]
    return Collected(
        run=run,
        funnel=funnel.funnel(ledger_counts, run, bounds),
        captions=counts.captions_as_json(),
        histograms=tuple(histograms),
        nearest=tuple(nearest),
        unstored=tuple(bound for bound in of_numbers if bound.column not in (*charted, *uncharted)),
        duplicates=groups,
        quarantine=quarantine,
        kept=tuple(kept.picks),
        thumbnails=thumbnails.fetch(output, shown),
        described=described(run),
    )


def _first_pass(output: str, charted: tuple[str, ...]) -> tuple[LedgerCounts, dict[str, Floats]]:
    """The ledger's counts, and a sample of each column to choose its axis from."""
    counts = LedgerCounts()
    samples: dict[str, list[Floats]] = {column: [np.zeros(0)] for column in charted}
    for unit in outcome.read_units(output, charted, funnel.KEY_COLUMNS):
        counts.add(unit)
        for column in charted:
            samples[column].append(sample(unit.values(column)[unit.readable()]))
    return counts, {column: np.concatenate(parts) for column, parts in samples.items()}


def _histogram(
    column: str, bounds: tuple[Bound, ...], values: Floats, kind: pa.DataType
) -> Histogram:
    own = tuple(bound for bound in bounds if bound.column == column)
    return Histogram(column, own, choose_axis(values, own, not pa.types.is_floating(kind)))


def _once(bounds: tuple[Bound, ...]) -> list[Bound]:
    """Without the bounds that a later stage only repeats: nothing new lies near those."""
    seen: dict[tuple[str, str, float], Bound] = {}
    for bound in bounds:
        seen.setdefault((bound.column, bound.side, bound.value), bound)
    return list(seen.values())


def _groups(output: str, pairs: Pairs) -> Duplicates:
    total, chosen = pairs.groups()
    wanted = {number for root, _, ids in chosen for number in (root, *ids)}
    rows: dict[int, list[duplicates.Member]] = {}
    if wanted:
        units = outcome.read_units(output, SIGNAL_COLUMNS, ("id", "verdict", "rule"))
        rows = duplicates.members(units, wanted)
    shown = tuple(duplicates.assemble(chosen, rows))
    return Duplicates(pairs.column, pairs.count, total, shown)


def _picks(group: Group) -> list[Pick]:
    members = [group.representative, *group.others]
    return [member.pick for member in members if member is not None]
