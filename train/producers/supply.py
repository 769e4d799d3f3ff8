"""What a run that is supplied with units knows of them while it trains.

The loop calls ``advance`` before every step and writes down ``figures``; a checkpoint keeps
``versions``, and a continued run begins with ``replay``. All processes of a run do the same at
once: the first of them looks what is proposed, and tells the others.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from curation.failures.errors import UsageError
from train.distributed import world
from train.distributed.world import World
from train.parts import Parts, check_frozen
from train.phases import Phase
from train.producers import counters, plans
from train.producers.consuming import UnitBatches
from train.producers.counters import Counters
from train.producers.plans import Plan, Version
from train.producers.prefetching import Prefetched, StoppedWaitingError
from train.producers.stores import Agreement
from train.saying import Tell

_LOOK = 8  # steps between looks for another version of the plan


class Supply:
    """The units of a run, and what is known of them."""

    def __init__(
        self,
        plan: Plan,
        batches: Prefetched | UnitBatches,
        agreement: Agreement,
        counters: Counters,
    ) -> None:
        self._plan, self._batches, self._agreement = plan, batches, agreement
        self._counters = counters
        self._refused: Version | None = None
        self._looked = False

    @property
    def versions(self) -> list[dict[str, Any]]:
        """The versions of the plan but the first, plain data for a checkpoint."""
        return [plans.plain(each) for each in self._plan.versions]

    def replay(self, versions: Sequence[dict[str, Any]]) -> None:
        """The versions that held when a checkpoint was written."""
        for each in versions:
            self._plan.add(plans.version_of_plain(each))

    def connected(self, parts: Parts) -> Parts:
        """The parts with batches out of units, and the phases of all versions."""
        data = replace(parts.data, batches=self._batches, phases=self._plan.phases)
        return replace(parts, data=data)

    def advance(self, parts: Parts, step: int, tell: Tell) -> Parts:
        """Before ``step``: all processes take in other versions of the plan where there are some,
        each from a step on that none of them has read yet.

        They look before the first step of a continued run, too: what was accepted after its
        checkpoint is taken in before anything is read ahead.
        """
        if step % _LOOK and self._looked:
            return parts
        self._looked = True
        first = parts.world.is_first
        versions = self._looked_for(step, parts, tell) if first else []
        accepted, *_ = parts.world.everyone([plans.plain(each) for each in versions])
        if not accepted:
            return parts
        for content in accepted:
            taken = plans.version_of_plain(content)
            if not first:
                self._plan.add(taken)
            tell(f"plan: version {taken.number} from step {taken.first} on")
        return self.connected(parts)

    def _looked_for(self, step: int, parts: Parts, tell: Tell) -> list[Version]:
        """What is proposed or accepted, and can be: accepted, and in the plan of this process."""
        taken: list[Version] = []
        while given := self._agreement.version(len(self._plan.versions) + 2):
            version, accepted = given
            if version == self._refused:
                break
            if accepted and version.first < step:
                raise UsageError(
                    f"data.units: version {version.number} of the plan began at step"
                    f" {version.first}, and this run is at {step} without it: continue it from its"
                    " own checkpoint"
                )
            soonest = step + parts.configuration.data.prefetch + 1
            proposed, first = version, version.first
            if not accepted:
                first = max([first, soonest, *(each.first for each in self._plan.versions)])
                version = replace(version, first=first)
            if first > parts.configuration.steps:
                break
            number = version.number
            try:
                self._take(version, parts)
            except UsageError as error:
                if accepted:
                    raise UsageError(f"data.units: version {number} of the plan: {error}") from None
                self._refused = proposed
                tell(f"plan: version {number} is refused, the plan goes on as it is: {error}")
                break
            self._agreement.accept(version)
            taken.append(version)
        return taken

    def _take(self, version: Version, parts: Parts) -> None:
        """Add it to the plan. Raises ``UsageError`` for what this run cannot train on."""
        planned = self._plan.planned(version)
        check(parts.trained, planned.phases, repa=parts.alignment is not None)
        world.check(
            parts.world,
            (phase.batch for phase in planned.phases),
            parts.configuration.optimiser.states,
        )
        self._plan.extend(planned)

    def ends_when(self, stopped: Callable[[], bool]) -> None:
        """Who waits for units is asked by this to stop."""
        self._agreement.ends_when(stopped)
        if isinstance(self._batches, Prefetched):
            self._batches.stopped = stopped

    def finish(self) -> None:
        """The run came to its end, and needs no units any more."""
        if isinstance(self._batches, Prefetched):
            self._batches.finish()

    def figures(self, among: World) -> dict[str, float]:
        """What was counted in all processes, by name; of producers under "producers/"."""
        figures = counters.together(among.everyone(self._counters.values()))
        if not among.is_first:
            return figures
        counts: dict[str, float] = {}
        with suppress(StoppedWaitingError):  # the step is done, and is saved first
            counts = self._agreement.counts()
        return {**figures, **{f"producers/{name}": value for name, value in counts.items()}}

    def close(self) -> None:
        """Read no further."""
        if isinstance(self._batches, Prefetched):
            self._batches.close()


def check(trained: Sequence[str], phases: Sequence[Phase], *, repa: bool) -> None:
    """Raise ``UsageError`` for phases that a run cannot take in that has begun with these weights
    ``trained``, and with or without ``repa``.
    """
    check_frozen(trained, phases)
    if not repa and any(phase.repa for phase in phases):
        raise UsageError("repa: this run began without it; start another with phases that have it")
