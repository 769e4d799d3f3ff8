"""Networks divided among two processes take the steps of one: both families, both optimisers."""

import json
import subprocess
import sys

import pytest
from making.places import ENVIRONMENT, ROOT

CASES = (
    "qwen_image:adamw:1x2x1",
    "qwen_image:muon:2x1x1",
    "qwen_image:muon:1x1x2",
    "qwen_image_21:muon:1x2x1",
    "qwen_image_21:adamw:1x1x2",
)


@pytest.fixture(scope="module")
def differences():
    command = [sys.executable, "-m", "making.distributed_drill", "2", *CASES]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", CASES)
def test_two_clipped_steps_are_those_of_one_process(differences, case):
    assert differences[case]["norms"] < 1e-5
    assert differences[case]["weights"] < 5e-6, differences[case]["worst"]
