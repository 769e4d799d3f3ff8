"""What is counted of how batches arrive: plain numbers by name, for curves and for files."""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence

from train.data.batches import Showing, Shown

WARM_UP = 10  # steps whose waits are no stalls: the first units are made, the first batch is read
STALL = 0.001  # seconds
_SUMS = (
    "wait_seconds",
    "stalled_steps",
    "ids_missed",
    "ids_doubled",
    "bytes",
    "units_made",
    "units_damaged",
)
_SLOWEST = ("wait_", "stalled_", "batch_age")
_REMEMBERED = 1024  # waits of the last steps, of which quantiles are taken


class Counters:
    """Counted by the thread that reads ahead and by the loop that waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waits: deque[float] = deque(maxlen=_REMEMBERED)
        self._ready: Counter[str] = Counter()
        self._since, self._read_since = time.monotonic(), 0
        self.sums: Counter[str] = Counter()
        self.batch_age = 0.0

    def waited(self, seconds: float) -> None:
        """The loop waited so long for a batch."""
        with self._lock:
            self._waits.append(seconds)
            self.sums["steps"] += 1
            self.sums["wait_seconds"] += seconds  # type: ignore[assignment]
            if self.sums["steps"] > WARM_UP and seconds > STALL:
                self.sums["stalled_steps"] += 1

    def read(self, size: int, age: float) -> None:
        """A unit of so many bytes was opened, made so many seconds ago."""
        with self._lock:
            self.sums["bytes"] += size
            self.batch_age = age

    def ready(self, batch: Iterable[tuple[int, Shown]], sign: int) -> None:
        """A batch lies ready, or (-1) was taken."""
        with self._lock:
            self._ready["batches"] += sign
            for _, shown in batch:
                height, width = shown.latents.shape[1:]
                self._ready[f"samples/{width}x{height}"] += sign

    def forget_ready(self) -> None:
        """What lay ready is thrown away."""
        with self._lock:
            self._ready.clear()

    def count(self, name: str, number: int = 1) -> None:
        """Add to a sum."""
        with self._lock:
            self.sums[name] += number

    def compare(self, asked: Iterable[Showing], came: Iterable[Shown]) -> None:
        """What the plan asks for and what came must be the same rows, each as often."""
        wanted = Counter((each.stream.source, each.row) for each in asked)
        given = Counter((each.source, each.planned) for each in came)
        with self._lock:
            self.sums["ids_missed"] += (wanted - given).total()
            self.sums["ids_doubled"] += (given - wanted).total()

    def values(self) -> dict[str, float]:
        """All by name; rates are since the last call."""
        with self._lock:
            now = time.monotonic()
            waits = sorted(self._waits) or [0.0]
            rate = (self.sums["bytes"] - self._read_since) / max(1e-9, now - self._since)
            self._since, self._read_since = now, self.sums["bytes"]
            return {
                **{name: float(self.sums[name]) for name in _SUMS},
                "wait_p99": waits[min(len(waits) - 1, int(0.99 * len(waits)))],
                "wait_max": waits[-1],
                "bytes_per_second": rate,
                "batch_age": self.batch_age,
                **{f"ready_{name}": float(value) for name, value in self._ready.items()},
            }


def together(processes: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The figures of all processes of a run: of waits, all of which everyone waits for, and of ages
    those of the slowest; of all else the sums.
    """
    names = dict.fromkeys(name for each in processes for name in each)
    return {
        name: (max if name.startswith(_SLOWEST) else sum)(each.get(name, 0.0) for each in processes)
        for name in names
    }
