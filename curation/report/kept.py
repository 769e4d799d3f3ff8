"""A fair sample of what was kept, and the names of what could not be read."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.report.nearest import Pick, picks
from curation.report.outcome import Unit, strings

SAMPLE = 12
NAMES_PER_REASON = 20
MOST_REASONS = 40


@dataclass
class KeptSample:
    """The kept rows with the smallest ids; ids are content hashes, so this favours nothing."""

    picks: list[Pick] = field(default_factory=list)

    def add(self, unit: Unit) -> None:
        """Look through a unit."""
        rows = np.flatnonzero(unit.is_verdict("kept"))
        if not len(rows):  # select_k_unstable refuses an empty table
            return
        table = unit.signals.select(["id", "uri"]).take(pa.array(rows))
        first = pc.select_k_unstable(
            table, min(SAMPLE, len(rows)), [("id", "ascending"), ("uri", "ascending")]
        )
        chosen = rows[first.to_numpy()]
        nothing = np.zeros(unit.signals.num_rows)
        smallest = picks(unit, chosen, nothing, nothing[chosen])
        self.picks = sorted([*self.picks, *smallest], key=lambda pick: (pick.id, pick.uri))
        del self.picks[SAMPLE:]


@dataclass
class Quarantine:
    """Per reason code how many rows, and the first of them by key as (key, what was wrong)."""

    counts: Counter[str] = field(default_factory=Counter)
    names: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, unit: Unit) -> None:
        """Look through a unit's ledger; a reason reads ``code: detail``."""
        rows = np.flatnonzero(unit.is_verdict("quarantined"))
        reasons = strings(unit.ledger.column("reason"), rows)
        keys = strings(unit.ledger.column("key"), rows)
        by_code: dict[str, list[tuple[str, str]]] = {}
        for key, reason in zip(keys, reasons, strict=True):
            code, _, detail = (reason or "unknown").partition(":")
            if code not in self.counts and len(self.counts) >= MOST_REASONS:
                code, detail = "other", reason or ""
            self.counts[code] += 1
            by_code.setdefault(code, []).append((key or "", detail.strip()))
        for code, names in by_code.items():
            self.names[code] = sorted([*self.names.get(code, []), *names])[:NAMES_PER_REASON]
