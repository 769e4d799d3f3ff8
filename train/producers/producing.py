"""A producer: looks ahead of the consumers, leases a unit, makes it, and so on."""

import errno
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from curation import storage
from train.producers import agreed
from train.producers.folder import SECONDS, UnitFolder
from train.producers.making import Maker
from train.producers.plans import Plan
from train.producers.spans import Span

_FULL = (errno.ENOSPC, errno.EDQUOT)
_GRACE = 4  # times ``depth``: what is so far ahead is not discarded, whoever made it


@dataclass(frozen=True)
class Settings:
    """``owner`` names a producer among all, ``depth`` is how many steps it looks ahead; a lease
    lasts ``seconds``, and while a unit is made is prolonged whenever a third of that is over.
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
        self._begun = folder.clock()
        storage.remove_partials(str(folder.root / "units"))

    def once(self) -> bool:
        """Make the next unit that nobody has or makes; False where there is none to make now.

        Raises ``UsageError``, ``shard.ShardError``, ``OSError`` but for a full disk.
        """
        self._take_versions()
        position = self._position() or 1
        until = min(position + self._settings.depth, self._last)
        self._discard(position)
        there = self._folder.names()
        for span in self._wanted(position, until):
            if span.name not in there and self._made(span):
                return True
        return False

    @property
    def is_done(self) -> bool:
        """Whether there were runs, and all are finished. One that is not may take in another plan,
        or go back to its last checkpoint, and need units again.
        """
        position = self._position()
        return position is not None and position > self._last

    @property
    def is_all_made(self) -> bool:
        """Whether every unit is there that some step from where runs are to the last needs."""
        there = self._folder.names()
        return all(span.name in there for span in self._wanted(self._position() or 1, self._last))

    def _position(self) -> int | None:
        """That of the hindmost run; those that were finished before this producer began are past:
        whoever begins another producer wants units of another run.
        """
        return self._folder.position(self._last, self._begun)

    def _wanted(self, first: int, last: int) -> list[Span]:
        spans: dict[str, Span] = {}
        for step in range(first, last + 1):
            spans |= {span.name: span for span in self._plan.at(step).spans.at(step)}
        return list(spans.values())

    def _made(self, span: Span) -> bool:
        """Whether it was there to be made, and now is."""
        started = time.monotonic()
        with self._folder.leased(span.name, self._settings.owner, self._settings.seconds) as leased:
            if leased == "held" or self._folder.get(span.name):  # made since it was looked for
                return False
            self.counts["leases_expired"] += leased == "taken over"
            try:
                samples, is_first = self._maker.publish(span, self._folder)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                self._tell(
                    f"{self._folder.unit(span.name)}: {error.strerror}: waiting for consumers to"
                    " use units up; give it more room, or lower --depth"
                )
                return False
        self._count(span, samples, time.monotonic() - started, is_first)
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
