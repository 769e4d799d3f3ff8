"""Networks divided among two processes take the steps of one: both families, both optimisers."""

import json
import subprocess
import sys

import pytest
from making.places import ENVIRONMENT, ROOT

pytestmark = pytest.mark.slow

CASES = (
    "qwen_image:muon:2x1x1",
    "qwen_image:muon:1x1x2",
    "qwen_image_21:adamw:1x1x2",
)
MORE = ("qwen_image_21:muon:1x2x1:selective",)  # whole runs are divided so, too: test_runs
COMPILED = ("qwen_image:adamw:1x2x1:compiled", "qwen_image_21:adamw:1x1x2:compiled")
FLOAT8 = ("qwen_image:adamw:1x2x1:float8", "qwen_image_21:adamw:2x1x1:float8")


def differences(*cases):
    command = [sys.executable, "-m", "making.distributed_drill", "2", *cases]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_two_clipped_steps_are_those_of_one_process():
    of_cases = differences(*CASES)
    assert list(of_cases) == list(CASES)
    assert max(off["norms"] for off in of_cases.values()) < 1e-5, of_cases
    assert max(off["weights"] for off in of_cases.values()) < 5e-6, of_cases


@pytest.mark.drill
def test_so_they_are_recomputed_compiled_and_in_float8():
    of_cases = differences(*MORE, *COMPILED, *FLOAT8)
    assert max(off["norms"] for off in of_cases.values()) < 1e-5, of_cases
    assert max(off["weights"] for off in of_cases.values()) < 5e-6, of_cases
