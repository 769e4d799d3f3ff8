"""Runs of one process and of two, ended at any moment: what is finished has the same bits.

Everything happens in one program that forks the processes, so that torch is imported once.
"""

import json
import random
import subprocess
import sys
from collections import Counter

import pytest
from making import training_shards as shards
from making.exact_resume import CHANGES, CONFIG, STEPS
from making.places import ENVIRONMENT, ROOT
from making.training_runs import assert_same_state

pytestmark = pytest.mark.slow

ALONE, TWO = "1", "2+units"  # the second with producers, and another plan twice


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder of the runs, and what happened to them."""
    folder = tmp_path_factory.mktemp("runs")
    pattern = shards.write_all(folder)
    (folder / "run.yaml").write_text(CONFIG)
    seed = random.randrange(1000)
    given = [pattern, str(folder / "run.yaml"), str(folder), str(seed), f"{ALONE}:3", f"{TWO}:4"]
    command = [sys.executable, "-m", "making.forked_runs", *given]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.mark.parametrize(("case", "size"), [(ALONE, 1), (TWO, 2)])
def test_what_was_ended_and_finished_has_the_bits_of_what_was_not(runs, case, size):
    folder, happened = runs
    of_case = happened[case]
    assert of_case["alone"] == of_case["codes"] == [0] * size
    assert all(any(each["codes"]) for each in of_case["kills"]), of_case  # it had not ended
    assert_same_state(folder / f"{case}-killed", folder / case, STEPS)


def test_processes_end_as_they_are_told_to(runs):
    folder, happened = runs
    several = {each["moment"]: each["codes"] for each in happened[TWO]["kills"]}
    assert several["told to end"] == [130, 130]  # SIGTERM to the first alone
    assert several["the last alone"] == [4, -9]
    lines = Counter((folder / f"{TWO}-killed.log").read_text().splitlines())
    lost = [line for line in lines if line.startswith("process 0 of 2 lost another one")]
    assert len(lost) == 1
    assert "run the same command again to go on" in lost[0]


def losses(out):
    return [json.loads(line)["loss"] for line in (out / "metrics.jsonl").open()]


def test_other_numbers_of_processes_take_the_same_steps_with_producers_and_without(runs):
    folder, happened = runs
    alone, two = losses(folder / ALONE), losses(folder / TWO)
    assert len(alone) == len(two) == STEPS
    (changed, _), *_ = CHANGES.values()
    assert two[: changed - 1] == pytest.approx(alone[: changed - 1], rel=1e-5)
    assert two[changed - 1] != pytest.approx(alone[changed - 1], rel=1e-3)
    assert happened["continued"] == [
        {**happened["continued"][0], "codes": [130, 130]},
        [0],
    ]
    assert losses(folder / "continued") == pytest.approx(two, rel=1e-5)


def test_all_processes_begin_another_plan_at_the_steps_that_were_agreed_on(runs):
    folder, _ = runs
    said = (folder / f"{TWO}.log").read_text()
    for number, (first, _) in enumerate(CHANGES.values(), 2):
        assert f"plan: version {number} from step {first} on" in said
    lines = (folder / TWO / "arrivals.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    assert last["ids_missed"] == last["ids_doubled"] == last["units_damaged"] == 0
