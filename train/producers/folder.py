"""The folder that producers write and consumers read: units, leases, positions and counters.

``units/<name>.arrow`` appear by rename. ``leases/<name>.json`` say who makes a unit, until when:
made by O_EXCL, rewritten while work goes on, taken over when the time is up. That two make the same
unit costs time and nothing else: it is the same bytes. ``positions/`` say which step a run is at,
behind its last when it is finished; ``producers/`` what producers counted. Clocks of hosts may
differ by less than a lease.
"""

import json
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from curation import storage
from curation.storage.repeating import repeated

SECONDS = 60.0  # that a lease lasts
_STAYS = 120.0  # seconds that a position counts after it was told, while others are told
NAME = re.compile(r"[0-9a-f]{32}")
_OWNER = re.compile(r"[A-Za-z0-9._-]{1,100}")


class UnitFolder:
    """What lies below ``root``; the folders are made. ``clock`` gives seconds since the epoch."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self.root, self.clock = root, clock
        for name in ("units", "leases", "positions", "producers"):
            (root / name).mkdir(parents=True, exist_ok=True)

    def unit(self, name: str) -> Path:
        """Where a unit is or would be."""
        return self.root / "units" / f"{name}.arrow"

    def get(self, name: str) -> Path | None:
        """A unit that is there."""
        path = self.unit(name)
        return path if path.is_file() else None

    def publish(self, name: str, write: Callable[[BinaryIO], None]) -> bool:
        """Write a unit, whole or not at all; False where another had. Raises ``OSError``."""
        is_first = not self.unit(name).exists()
        with storage.atomic_write(str(self.unit(name))) as stream:
            write(stream)
        return is_first

    def discard(self, name: str) -> None:
        """Remove a unit; who has it mapped keeps it."""
        self.unit(name).unlink(missing_ok=True)

    def names(self) -> dict[str, os.stat_result]:
        """All units that are there."""
        there: dict[str, os.stat_result] = {}
        for path in (self.root / "units").glob("*.arrow"):
            with suppress(FileNotFoundError):  # discarded by another meanwhile
                there[path.stem] = path.stat()
        return there

    def leases(self) -> set[str]:
        """The units for which there are leases, live or not."""
        return {path.stem for path in (self.root / "leases").glob("*.json")}

    def lease(self, name: str, owner: str, seconds: float = SECONDS) -> str:
        """Try to lease a unit: "leased", "taken over" from one whose time was up, or "held"."""
        path = self.root / "leases" / f"{name}.json"
        words = json.dumps({"owner": owner, "deadline": self.clock() + seconds}).encode()
        expired = False
        for _ in range(2):
            with suppress(FileExistsError):
                handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
                with os.fdopen(handle, "wb") as stream:
                    stream.write(words)
                return "taken over" if expired else "leased"
            if self.clock() < self._deadline(path, seconds):
                return "held"
            aside = path.with_name(f"{name}.{owner}.expired")
            with suppress(FileNotFoundError):  # of several that see it, one can rename it
                path.rename(aside)
                aside.unlink()
                expired = True
        return "held"

    @contextmanager
    def leased(self, name: str, owner: str, seconds: float = SECONDS) -> Iterator[str]:
        """Within, a lease as ``lease`` gives it: prolonged as long as that takes, then given back.
        Of "held" nothing is done.
        """
        state = self.lease(name, owner, seconds)
        if state == "held":
            yield state
            return
        try:
            with repeated(lambda: self.prolong(name, owner, seconds), seconds / 3):
                yield state
        finally:
            self.release(name, owner)

    def prolong(self, name: str, owner: str, seconds: float = SECONDS) -> None:
        """Rewrite a lease that is still one's own."""
        path = self.root / "leases" / f"{name}.json"
        if (_read(path) or {}).get("owner") == owner:
            _replace(path, {"owner": owner, "deadline": self.clock() + seconds})

    def release(self, name: str, owner: str) -> None:
        """Give back a lease that is one's own."""
        path = self.root / "leases" / f"{name}.json"
        if (_read(path) or {}).get("owner") == owner:
            path.unlink(missing_ok=True)

    def _deadline(self, path: Path, seconds: float) -> float:
        """When a lease is up; where it is not readable (yet), by when it was written."""
        deadline = (_read(path) or {}).get("deadline")
        if isinstance(deadline, int | float):
            return float(deadline)
        with suppress(FileNotFoundError):
            return path.stat().st_mtime + seconds
        return 0.0

    def tell_position(self, owner: str, step: int) -> None:
        """A run is at a step: what is before it is needed no more."""
        _replace(self.root / "positions" / f"{owner}.json", {"step": step, "at": self.clock()})

    def position(self, last: int, since: float) -> int | None:
        """The step of the hindmost run that is alive; without any, of the last that was. None where
        there was none but those that were behind step ``last`` before ``since``: they are finished.
        """
        known: list[tuple[float, int]] = []
        for path in (self.root / "positions").glob("*.json"):
            match _read(path):
                case {"step": int(step), "at": float(at)} if step <= last or at >= since:
                    known.append((at, step))
        alive = [step for at, step in known if at > self.clock() - _STAYS]
        return min(alive) if alive else max(known)[1] if known else None

    def tell_counts(self, owner: str, counts: dict[str, float]) -> None:
        """What a producer has counted so far."""
        _replace(self.root / "producers" / f"{owner}.json", counts)

    def counts(self) -> dict[str, float]:
        """What all producers have counted, added up."""
        total: dict[str, float] = {}
        for path in (self.root / "producers").glob("*.json"):
            for name, value in (_read(path) or {}).items():
                if isinstance(value, int | float):
                    total[name] = total.get(name, 0) + value
        return total


def check_owner(owner: str) -> bool:
    """Whether it may be part of a file's name."""
    return bool(_OWNER.fullmatch(owner)) and not owner.startswith(".")


def remove_oldest(folder: UnitFolder, most: int, keep: Iterable[str]) -> list[str]:
    """Discard the units longest unused until at most ``most`` bytes are left; which."""
    there = sorted(folder.names().items(), key=lambda each: each[1].st_mtime)
    size, kept = sum(each.st_size for _, each in there), set(keep)
    removed: list[str] = []
    for name, each in there:
        if size > most and name not in kept:
            folder.discard(name)
            removed.append(name)
            size -= each.st_size
    return removed


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _replace(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_name(f".{path.stem}.{uuid.uuid4().hex}{storage.TEMPORARY_SUFFIX}")
    partial.write_text(json.dumps(content))
    partial.replace(path)
