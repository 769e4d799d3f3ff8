"""Batches read from units, as they would be made: to the bit, and of the rows that the plan asks.

A unit that is not what its name says, or damaged, is set right once: where it comes from gives it
again, or it is made again.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from train.data.batches import Shown
from train.producers.counters import Counters
from train.producers.plans import Plan
from train.producers.spans import Span
from train.producers.units import Unit, UnitError

_SHORTEST, _LONGEST = 0.01, 0.5  # seconds between looks whether a unit is there
_PATIENCE = 30.0  # seconds until it is said that one is waited for, then after twice as many
_OPEN = 16  # units, at most: what is not open is opened again


class Store(Protocol):
    """Where units come from. ``get`` gives a unit that is there, None while it is not (yet);
    ``remove`` takes one away that is damaged. ``tell_position`` is called with the name of a run
    and the step that it is at, behind the last when it is finished.
    """

    def get(self, span: Span) -> Path | None: ...

    def remove(self, span: Span) -> None: ...

    def tell_position(self, run: str, step: int) -> None: ...


class NobodyWaitsError(Exception):
    """Nobody waits any more for what was waited for."""


class UnitBatches:
    """The batches of ``plan`` from a ``store`` of units."""

    def __init__(
        self, plan: Plan, store: Store, counters: Counters, tell: Callable[[str], None]
    ) -> None:
        self._plan, self._store, self._counters, self._tell = plan, store, counters, tell
        self._open: OrderedDict[str, Unit] = OrderedDict()
        self.stopped = threading.Event()

    def at(self, step: int, rank: int = 0, ranks: int = 1) -> list[tuple[int, Shown]]:
        """As ``train.data.batches.Batches.at``. Raises ``UnitError``, ``OSError``."""
        planned = self._plan.at(step)
        asked = planned.batches.planned(step, rank, ranks)
        places = {each.place for each in asked}
        batch: list[tuple[int, Shown]] = []
        for span in planned.spans.at(step):
            own = sorted(places & set(range(span.start, span.end)))
            if own:
                batch += self._from_unit(span, step, own)
        self._counters.compare(asked, (shown for _, shown in batch))
        return batch

    def _from_unit(self, span: Span, step: int, places: list[int]) -> list[tuple[int, Shown]]:
        try:
            return self._shown(self._unit(span), step, places)
        except UnitError as error:
            self._counters.count("units_damaged")
            self._tell(f"{error} (done)")
            self._open.pop(span.name, None)
            self._store.remove(span)
            return self._shown(self._unit(span), step, places)

    def _shown(self, unit: Unit, step: int, places: list[int]) -> list[tuple[int, Shown]]:
        there = set(unit.places(step))
        return [(place, unit.shown(step, place)) for place in places if place in there]

    def _unit(self, span: Span) -> Unit:
        if span.name in self._open:
            self._open.move_to_end(span.name)
            return self._open[span.name]
        return self._opened(span, self._waited_for(span))

    def _waited_for(self, span: Span) -> Path:
        started, pause, said = time.monotonic(), _SHORTEST, _PATIENCE
        while (path := self._store.get(span)) is None:
            if self.stopped.wait(pause):
                raise NobodyWaitsError
            pause = min(2 * pause, _LONGEST)
            waited = time.monotonic() - started
            if waited > said:
                said *= 2
                steps = f"steps {span.first} to {span.last}"
                self._tell(
                    f"data.units: waiting {waited:.0f} s for unit {span.name} of {steps}: is"
                    " `python -m train.produce` running with the same --config and --data?"
                )
        return path

    def _opened(self, span: Span, path: Path) -> Unit:
        unit = Unit(path)
        unit.check(span.name, self._plan.encoders.fingerprints)
        written = path.stat()
        self._counters.read(written.st_size, max(0.0, time.time() - written.st_mtime))
        self._open[span.name] = unit
        while len(self._open) > _OPEN:
            self._open.popitem(last=False)
        return unit
