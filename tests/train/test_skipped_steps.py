"""Steps whose loss or gradient is not finite change nothing, are counted, and end a run at last."""

import json

import pytest
import torch
from making.training_runs import tensors, train

from train import checkpoint, stepping


@pytest.fixture
def spoilt(monkeypatch):
    """Make the gradient of some steps infinite in one place."""

    def call(*steps):
        def backward(parts, step):
            result = whole(parts, step)
            if step in steps:
                parts.transformer.out.weight.grad[0, 0] = float("inf")
            return result

        monkeypatch.setattr(stepping, "backward", backward)

    whole = stepping.backward
    return call


@pytest.fixture
def every_step(tiny, tmp_path):
    """The tiny run with a checkpoint after each step, and one skip in a hundred steps."""
    folder, pattern, config = tiny
    text = config.read_text().replace("warmup: 2", "warmup: 2, skips: 1")
    path = tmp_path / "every.yaml"
    path.write_text(text.replace("{every: 7}", "{every: 1, keep: 9}"))
    return folder, pattern, path


def metrics(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").open()]


def state(out, step):
    return tensors(out / f"checkpoint-{step}")


def test_a_skipped_step_changes_nothing_and_the_next_goes_on(every_step, spoilt, tmp_path):
    spoilt(3)
    out = tmp_path / "out"
    result = train(every_step, out, "--json", steps=4)
    assert "step 3 skipped: the loss is " in result.stderr
    assert "the norm of its gradient inf (1 of the last 100 steps, 1 may be)" in result.stderr
    assert json.loads(result.stdout)["skipped_steps"] == 1
    before, skipped, after = (state(out, step) for step in (2, 3, 4))
    assert all(torch.equal(before[name], skipped[name]) for name in before)
    moved = [name for name in before if not torch.equal(after[name], skipped[name])]
    assert any("raw" in name for name in moved)
    assert any("exp_avg" in name for name in moved)
    lines = metrics(out)
    assert [line.get("skipped", False) for line in lines] == [False, False, True, False]
    assert lines[2]["grad_norm"] is None
    assert lines[2]["loss"] > 0


def test_what_was_skipped_is_remembered_when_a_run_goes_on(every_step, spoilt, tmp_path):
    spoilt(2, 4)
    out = tmp_path / "out"
    told = train(every_step, out, code=2, steps=6).stderr
    assert "step 4: the loss is " in told
    assert "2 of the last 100 steps were not finite, and optimiser.skips allows 1: lower" in told
    assert checkpoint.read_progress(out / "checkpoint-3").skipped == (2,)
    assert (out / "latest").read_text() == "checkpoint-3\n"  # all that was trained is kept
    assert "2 of the last 100 steps" in train(every_step, out, code=2, steps=6).stderr


def test_skips_of_long_ago_are_forgotten():
    taken = stepping.Taken(1.0, float("nan"), stepping.Tally(), 0)
    told = stepping.check_skips([1, 50, 150], 150, taken, 1)
    assert "1 of the last 100 steps" in told
