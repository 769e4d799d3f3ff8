"""What a run that is supplied with units knows of them while it trains.

The loop calls ``advance`` before every step and writes down ``figures``; a checkpoint keeps
``versions``, and a continued run begins with ``replay``.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from curation.failures.errors import UsageError
from train.parts import Parts
from train.producers import plans
from train.producers.consuming import UnitBatches
from train.producers.counters import Counters
from train.producers.plans import Plan, Version
from train.producers.prefetching import Prefetched
from train.producers.stores import Agreement

_LOOK = 8  # steps between looks for another version of the plan

Tell = Callable[[str], None]


class Ranks(Protocol):
    """The processes of a run: whether this is the first, among how many a batch is divided, and the
    value of every process in order.
    """

    @property
    def is_first(self) -> bool: ...

    @property
    def data_ranks(self) -> int: ...

    def everyone(self, value: Any) -> list[Any]: ...


class Alone:
    """A process by itself."""

    is_first, data_ranks = True, 1

    def everyone(self, value: Any) -> list[Any]:
        """Its own."""
        return [value]


ALONE = Alone()


class Supply:
    """The units of a run, and what is known of them."""

    def __init__(
        self,
        plan: Plan,
        batches: Prefetched | UnitBatches,
        agreement: Agreement,
        counters: Counters,
        ranks: Ranks,
    ) -> None:
        self._plan, self._batches, self._agreement = plan, batches, agreement
        self._counters, self._ranks = counters, ranks
        self._refused = 0

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
        """Before ``step``: all processes take in another version of the plan where there is one,
        from a step on that none of them has read yet; the first of them decides.
        """
        if step % _LOOK:
            return parts
        version = self._looked_for(step, parts, tell) if self._ranks.is_first else None
        (content, *_) = self._ranks.everyone(version and plans.plain(version))
        if content is None:
            return parts
        taken = plans.version_of_plain(content)
        if not self._ranks.is_first:
            self._plan.add(taken)
        tell(f"plan: version {taken.number} from step {taken.first} on")
        return self.connected(parts)

    def _looked_for(self, step: int, parts: Parts, tell: Tell) -> Version | None:
        number = len(self._plan.versions) + 2
        given = self._agreement.version(number)
        if given is None or number == self._refused:
            return None
        version, accepted = given
        soonest = step + parts.configuration.data.prefetch + 1
        if not accepted:
            version = replace(version, first=max(version.first, soonest))
        elif version.first < step:
            raise UsageError(
                f"data.units: version {number} of the plan began at step {version.first}, and this"
                f" run is at {step} without it: continue it from its own checkpoint"
            )
        if version.first > parts.configuration.steps:
            return None
        try:
            self._plan.add(version)
        except UsageError as error:
            self._refused = number
            tell(f"plan: version {number} is refused, the plan goes on as it is: {error}")
            return None
        self._agreement.accept(number, version.first)
        return version

    def figures(self) -> dict[str, float]:
        """What was counted, by name; of producers under "producers/"."""
        produced = {f"producers/{name}": value for name, value in self._agreement.counts().items()}
        return {**self._counters.values(), **produced}

    def close(self) -> None:
        """Read no further."""
        if isinstance(self._batches, Prefetched):
            self._batches.close()
