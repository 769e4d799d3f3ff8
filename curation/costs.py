"""What the steps of a run cost: CPU, time and memory."""

import contextlib
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from curation.runners import worker_pool


@dataclass
class Steps:
    """CPU seconds (this process, finished children and workers), wall seconds, peak memory."""

    by_name: dict[str, dict[str, float]] = field(default_factory=dict)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block under ``name``."""
        wall, cpu = time.perf_counter(), _cpu_seconds()
        yield
        peak = max(
            resource.getrusage(who).ru_maxrss
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
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
