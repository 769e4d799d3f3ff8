"""Everything the report says, gathered in passes over the units' columns.

Memory: one unit's columns at a time, plus what is kept for show and 16 bytes per duplicate.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from curation.judging import ledger
from curation.judging.ledger import Counts
from curation.judging.rules import CAPTIONS
from curation.output import finished
from curation.output.groups import Groups
from curation.output.layout import Layout
from curation.output.measured import Measured
from curation.report import boxes, duplicates, funnel, origins, outcome, overlap, thumbnails, words
from curation.report import sections as parts
from curation.report.described import described
from curation.report.duplicates import Group, Pairs
from curation.report.funnel import Funnel, LedgerCounts
from curation.report.histogram import Floats, Histogram, choose_axis, sample
from curation.report.kept import KeptSample, Quarantine
from curation.report.nearest import SIGNAL_COLUMNS, Nearest, Pick
from curation.report.origins import Origins
from curation.report.outcome import Bound, Unit
from curation.report.overlap import Flags, Overlap
from curation.report.sections import Known, Section
from curation.report.sections.pairs import EditPairs
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
    overlap: Overlap
    origins: Origins
    sections: tuple[Section, ...]
    described: Mapping[str, signal.Column]


class _Rows:
    """All that is counted and picked in the pass over the units' rows."""

    def __init__(
        self,
        histograms: Sequence[Histogram],
        nearest: Sequence[Nearest],
        rules: Overlap,
        origins_of: Origins,
        sections: Sequence[Section],
        grouped: Groups,
        ruled: Container[str],
    ) -> None:
        self.histograms, self.nearest = tuple(histograms), tuple(nearest)
        self.rules, self.origins, self.grouped = rules, origins_of, grouped
        self.sections = tuple(sections)
        self.kept, self.quarantine, self.counts = KeptSample(), Quarantine(), Counts()
        self.pairs = [Pairs(column) for column in grouped.refers if column in ruled]

    @property
    def columns(self) -> list[str]:
        """The measured columns that are read."""
        charted = [histogram.column for histogram in self.histograms]
        ruled = overlap.columns(self.rules, self.grouped.ruled)
        by = [self.origins.by] if self.origins.by else []
        own = (column for section in self.sections for column in section.columns)
        every = (*SIGNAL_COLUMNS, *ledger.CAPTION_COLUMNS, *charted, *ruled, *by, *own)
        return list(dict.fromkeys(every))

    def add(self, unit: Unit) -> None:
        """Look through a unit."""
        values = {of.column: unit.values(of.column) for of in self.histograms}
        is_kept, readable = unit.is_verdict("kept"), unit.readable()
        there = self.grouped.there(unit.name)
        groups = self.grouped.read(unit.name) if there else pa.table({})
        beyond = overlap.beyond(self.rules, unit, groups, values)
        self.rules.add(beyond[readable])
        for histogram in self.histograms:
            alone = _alone(unit, histogram.column, self.rules, beyond)
            histogram.add(values[histogram.column][readable], is_kept[readable], alone[readable])
        for entry in self.nearest:
            entry.add(unit, values[entry.bound.column])
        ledger.count_captions(self.counts, unit.signals, is_kept)
        self.origins.add(unit)
        self.kept.add(unit)
        self.quarantine.add(unit)
        for kind in self.pairs:
            kind.add(unit)
        for section in self.sections:
            section.add(unit, groups)

    def picks(self, groups: Sequence[Duplicates]) -> list[Pick]:
        """The rows to show an image of."""
        return [
            *self.kept.picks,
            *(pick for entry in self.nearest for pick in (*entry.kept, *entry.stopped)),
            *(pick for kind in groups for group in kind.shown for pick in _picks(group)),
            *(pick for section in self.sections for pick in section.picks()),
        ]


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
    rows = _Rows(
        [
            _histogram(column, of_numbers, samples[column], schema.field(column).type)
            for column in charted
        ],
        [Nearest(bound) for bound in _once(of_numbers) if bound.column in charted],
        overlap.compared(bounds, schema, grouped.ruled),
        origins.chosen(schema),
        parts.chosen(Known(run, schema, _columns(grouped), finished.forecast(Layout(output)))),
        grouped,
        {bound.column for bound in bounds},
    )
    for unit in outcome.read_units(output, rows.columns, LEDGER_COLUMNS):
        rows.add(unit)
    groups = tuple(_groups(output, kind) for kind in rows.pairs)
    return Collected(
        run=run,
        funnel=funnel.funnel(ledger_counts, run, bounds),
        captions=rows.counts.captions_as_json(),
        histograms=rows.histograms,
        nearest=rows.nearest,
        unstored=tuple(bound for bound in of_numbers if bound.column not in (*charted, *uncharted)),
        duplicates=groups,
        quarantine=rows.quarantine,
        kept=tuple(rows.kept.picks),
        thumbnails=_thumbnails(output, run, rows, groups, schema),
        overlap=rows.rules,
        origins=rows.origins,
        sections=rows.sections,
        described=described(run),
    )


def _columns(grouped: Groups) -> list[str]:
    return [column for of in grouped.groupings.values() for column in of.columns]


def _alone(unit: Unit, column: str, rules: Overlap, beyond: Flags) -> Flags:
    """Rows (N,) that a bound of this column dropped, and that are within all other bounds."""
    own = np.array([bound.column == column for bound in rules.bounds], np.bool_)
    stopped = np.zeros(len(beyond), np.bool_)
    for rule in {bound.rule for bound in rules.bounds if bound.column == column}:
        stopped |= outcome.equals(unit.ledger.column("rule"), rule)
    return np.asarray(stopped & unit.is_verdict("dropped") & ~beyond[:, ~own].any(axis=1), np.bool_)


def _thumbnails(
    output: str,
    run: Mapping[str, Any],
    rows: _Rows,
    groups: Sequence[Duplicates],
    schema: pa.Schema,
) -> dict[str, Thumbnail]:
    boxed, worded = boxes.columns(schema), words.columns(schema)
    measured = Measured.of_run(output, run) if boxed or worded else None
    paired = {pick.uri for of in rows.sections if isinstance(of, EditPairs) for pick in of.picks()}
    return thumbnails.fetch(output, rows.picks(groups), measured, boxed, worded, paired)


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
