"""A finished run that is asked for more steps, or for fewer."""

import json
import shutil

import pytest
import torch
from making import training_shards as shards
from making.commands import invoke
from safetensors.torch import load_file

from train import checkpoint_writing
from train.__main__ import app
from train.configuration import OptimiserConfiguration
from train.optimisers import schedule


@pytest.fixture
def train(tmp_path):
    """Call the command on one thread; ``decay`` is the share of steps with a falling rate."""
    pattern = shards.write_all(tmp_path / "data")

    def call(out, steps, decay=0.3, code=0):
        config = tmp_path / f"decay-{decay}.yaml"
        config.write_text(shards.TINY.replace("decay: 0.3", f"decay: {decay}"))
        given = ["--data", pattern, "--out", str(tmp_path / out), "--config", str(config)]
        before = torch.get_num_threads()
        result = invoke(app, [*given, "--threads", "1", "--steps", str(steps)])
        torch.set_num_threads(before)
        assert result.exit_code == code, result.output
        return result

    return call


def content(out, step):
    folder = out / f"checkpoint-{step}"
    return {
        f"{path.relative_to(folder)}:{name}": value
        for path in sorted(folder.rglob("*.safetensors"))
        for name, value in load_file(path).items()
    }


@pytest.mark.parametrize(("decay", "start"), [(0.3, 8), (0, 10)])
def test_a_run_asked_for_more_is_to_the_bit_the_longer_one(train, tmp_path, decay, start):
    train("longer", 16, decay)
    train("extended", 10, decay)
    result = train("extended", 16, decay)
    back = "going back to step 8, before the learning rate fell;"
    back += " steps 9 to 10 are trained again, replacing checkpoint-10\n"
    went = back if start == 8 else "going on from step 10\n"
    assert f"16 steps instead of 10: {went}continuing" in result.stderr
    longer, extended = tmp_path / "longer", tmp_path / "extended"
    curves = [(out / "metrics.jsonl").read_bytes() for out in (longer, extended)]
    assert curves[0] == curves[1]
    one, two = content(longer, 16), content(extended, 16)
    assert one.keys() == two.keys()
    assert [name for name in one if not torch.equal(one[name], two[name])] == []
    assert json.loads((extended / "result.json").read_text())["step"] == 16
    left = [sorted(path.name for path in out.glob("checkpoint-*")) for out in (longer, extended)]
    assert left[0] == left[1]


def test_a_longer_run_that_is_stopped_at_once_goes_on_as_itself_or_back(train, tmp_path):
    """Between going back and the first new checkpoint both commands find a whole run."""
    train("out", 10)
    out = tmp_path / "out"
    shutil.copytree(out, tmp_path / "once")
    finished = content(out, 10)
    (out / "result.json").unlink()  # what going back to an earlier checkpoint does first
    checkpoint_writing.point_to(out / "checkpoint-8")
    told = train("out", 10).stderr
    assert "going back to step 8; steps 9 to 10 are trained again, replacing checkpoint-10" in told
    assert (out / "metrics.jsonl").read_bytes() == (tmp_path / "once/metrics.jsonl").read_bytes()
    assert all(torch.equal(finished[name], value) for name, value in content(out, 10).items())


def test_what_cannot_be_extended_is_told(train, tmp_path):
    train("out", 10)
    told = train("out", 5, code=2).stderr
    assert "--steps 5: " in told
    assert "out is at step 10 already; ask for more steps" in told
    for folder in (tmp_path / "out").glob("checkpoint-[!1]*"):
        folder.rename(folder.with_name("moved-" + folder.name))
    told = train("out", 16, code=2).stderr
    assert "in a run of 10 steps the learning rate falls after step 8, and the earliest" in told
    assert "out is of step 10, later" in told
    assert (tmp_path / "out" / "result.json").exists()


def test_a_shorter_run_starts_before_its_own_fall_or_is_told_why_not(train, tmp_path):
    train("out", 10)
    (tmp_path / "out" / "result.json").unlink()
    for step in (8, 10):
        (tmp_path / "out" / f"checkpoint-{step}").rename(tmp_path / f"out/moved-{step}")
    checkpoint_writing.point_to(tmp_path / "out" / "checkpoint-7")
    told = train("out", 8, code=2).stderr
    assert "--steps 8: in a run of 8 steps the learning rate falls after step 6" in told
    assert "the earliest checkpoint in " in told
    assert "out is of step 7, later; ask for --steps 10, or for another --out" in told
    told = train("out", 9).stderr
    assert "9 steps instead of 10: going on from step 7\n" in told


@pytest.mark.parametrize("decay", [0.0, 0.1, 0.3, 0.4, 1 / 3, 0.999, 1.0])
def test_the_rates_of_two_lengths_agree_until_the_shorter_falls(decay):
    settings = OptimiserConfiguration(decay=decay, warmup=3)
    for steps in (1, 7, 40, 240, 1001):
        until = schedule.full_until(steps, settings)
        rates = [
            schedule.learning_rate_factor(step, steps, settings) for step in range(1, steps + 1)
        ]
        rise = [min(1.0, step / 3) for step in range(1, steps + 1)]
        assert 1 <= until <= steps
        assert rates[:until] == rise[:until]
        assert all(rate < full for rate, full in zip(rates[until:], rise[until:], strict=True))
