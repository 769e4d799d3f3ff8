"""A producer: looks ahead of the consumers, leases a unit, makes it, and so on."""

import errno
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from curation import storage
from train.producers import agreed, units
from train.producers.folder import SECONDS, UnitFolder
from train.producers.making import Maker
from train.producers.plans import Plan
from train.producers.spans import Span

_FULL = (errno.ENOSPC, errno.EDQUOT)
_GRACE = 4  # times ``depth``: what is so far ahead is not discarded, whoever made it


@dataclass(frozen=True)
class Settings:
    """``owner`` names a producer among all, ``depth`` is how many steps it looks ahead; a lease
    lasts ``seconds``, and of a long unit is prolonged when a third of that is over.
    """

    owner: str
    depth: int
    seconds: float = SECONDS


class Producer:
    """Makes units of ``plan`` in ``folder`` up to step ``last``."""

    def __init__(
        self,
        plan: Plan,
        maker: Maker,
        folder: UnitFolder,
        settings: Settings,
        last: int,
        tell: Callable[[str], None],
    ) -> None:
        self._plan, self._maker, self._folder = plan, maker, folder
        self._settings, self._last, self._tell = settings, last, tell
        self.counts: Counter[str] = Counter()
        storage.remove_partials(str(folder.root / "units"))

    def once(self) -> bool:
        """Make the next unit that nobody has or makes; False where there is none to make now.

        Raises ``UsageError``, ``shard.ShardError``, ``OSError`` but for a full disk.
        """
        self._take_versions()
        position = self._folder.position() or 1
        until = min(position + self._settings.depth, self._last)
        self._discard(position)
        there = self._folder.names()
        for span in self._wanted(position, until):
            if span.name not in there and self._made(span):
                return True
        return False

    @property
    def is_done(self) -> bool:
        """Whether consumers are at the last step, or everything up to it is there."""
        position = self._folder.position() or 1
        if position + self._settings.depth < self._last:
            return False
        there = self._folder.names()
        return all(span.name in there for span in self._wanted(position, self._last))

    def _wanted(self, first: int, last: int) -> list[Span]:
        spans: dict[str, Span] = {}
        for step in range(first, last + 1):
            spans |= {span.name: span for span in self._plan.at(step).spans.at(step)}
        return list(spans.values())

    def _made(self, span: Span) -> bool:
        owner, seconds = self._settings.owner, self._settings.seconds
        leased = self._folder.lease(span.name, owner, seconds)
        if leased == "held":
            return False
        self.counts["leases_expired"] += leased == "taken over"
        started = prolonged = time.monotonic()

        def working() -> None:
            nonlocal prolonged
            if time.monotonic() - prolonged > seconds / 3:
                prolonged = time.monotonic()
                self._folder.prolong(span.name, owner, seconds)

        try:
            if self._folder.get(span.name):  # made between the look and the lease
                return False
            entries, about = self._maker.entries(span, working), self._maker.about(span)
            is_first = self._folder.publish(
                span.name, lambda stream: units.write(stream, entries, about)
            )
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self._tell(
                f"{self._folder.unit(span.name)}: {error.strerror}: waiting for consumers to use"
                " units up; give it more room, or lower --depth"
            )
            return False
        finally:
            self._folder.release(span.name, owner)
        self._count(span, len(entries), time.monotonic() - started, is_first)
        return True

    def _count(self, span: Span, samples: int, seconds: float, is_first: bool) -> None:
        self.counts["units"] += 1
        self.counts["units_twice"] += not is_first
        self.counts["samples"] += samples
        self.counts["busy_milliseconds"] += round(1000 * seconds)
        if path := self._folder.get(span.name):
            self.counts["bytes"] += path.stat().st_size
        self._folder.tell_counts(self._settings.owner, dict(self.counts))

    def _discard(self, position: int) -> None:
        """Units that no step from the consumers' position on needs."""
        there = self._folder.names()
        ahead = min(position + _GRACE * self._settings.depth, self._last)
        needed = {span.name for span in self._wanted(position, ahead)} if there else set()
        for name in there.keys() - needed:
            self._folder.discard(name)
            self.counts["units_discarded"] += 1

    def _take_versions(self) -> None:
        """Versions of the plan that consumers have let in."""
        while version := agreed.version(self._folder.root, len(self._plan.versions) + 2):
            known, accepted = version
            if not accepted:
                return
            self._plan.add(known)
            self._tell(f"plan: version {known.number} from step {known.first} on")
