"""Ten thousand damaged files: nothing but refusals, quickly, in little memory.

The seconds here are a bound on faults (a decoder that hangs), not a measurement of speed.
"""

import json
import subprocess
import sys

import pytest
from making.picture_mutants import KINDS, mutant
from making.places import TESTS

EACH = 3360  # of eight formats: 10,080 of the six that are common
SECONDS = 2.0
MEMORY = 1 << 30  # bytes


@pytest.mark.parametrize("part", range(4))
def test_mutants_end_in_refusals_only(part: int) -> None:
    numbers = [str(part * EACH), str((part + 1) * EACH)]
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "making.picture_mutants", *numbers],
        cwd=TESTS, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result = json.loads(done.stdout)
    endings = result["endings"]
    assert sum(endings.values()) == EACH
    assert {"passed", "truncated", "corrupt", "bomb", "unsupported"} <= endings.keys()
    assert "memory" not in endings
    assert result["slowest"][0] < SECONDS
    assert result["grown"] < MEMORY


def test_mutants_are_the_same_every_time_and_differ() -> None:
    made = [mutant(number) for number in range(10 * len(KINDS))]
    assert made == [mutant(number) for number in range(10 * len(KINDS))]
    assert len(set(made)) > 0.9 * len(made)
