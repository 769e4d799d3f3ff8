"""What the steps of a run cost: CPU, time and memory."""

import contextlib
import resource
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curation.runners import worker_pool


@dataclass
class Steps:
    """CPU seconds (this process, finished children and workers), wall seconds, peak memory.

    ``measured`` are numbers of images that signals were asked about, and of those taken over;
    ``changes`` what became of the images of the last run.
    """

    by_name: dict[str, dict[str, float]] = field(default_factory=dict)
    measured: Counter[str] = field(default_factory=Counter)
    changes: dict[str, Any] | None = None

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block under ``name``."""
        wall, cpu = time.perf_counter(), _cpu_seconds()
        yield
        peak = max(_own_peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
        before = self.by_name.get(name, {})
        spent = {"cpu_seconds": _cpu_seconds() - cpu, "wall_seconds": time.perf_counter() - wall}
        self.by_name[name] = {
            **{of: round(before.get(of, 0.0) + seconds, 3) for of, seconds in spent.items()},
            "peak_memory_bytes": max(peak * 1024, worker_pool.usage().peak_bytes),
        }


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    here = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return here + worker_pool.usage().cpu_seconds


def _own_peak() -> int:
    """The largest memory this process has held, in KiB.

    From Linux itself where that tells: ``ru_maxrss`` counts what the process that started this one
    held at that moment.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return peaks[0] if peaks else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
