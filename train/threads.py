"""How the threads of one step wait for each other: said before torch is imported, or in vain."""

import os
from collections.abc import MutableMapping

_SPINS = "1000"


def settle(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let waiting OpenMP threads spin briefly, then sleep, unless the user says how they wait.

    libgomp, which torch brings along, spins some milliseconds by default. On a machine that does
    anything else, a thread then spins away the time that the one it waits for would need. Threads
    are not bound to cores (``OMP_PROC_BIND``): every job would bind its first thread to core 0.
    Torch's builds from package registries have no other OpenMP for processors.
    """
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & environment.keys():
        environment["GOMP_SPINCOUNT"] = _SPINS
