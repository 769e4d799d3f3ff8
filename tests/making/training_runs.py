"""A little training run by the command, and runs to hold against it."""

import json
from contextlib import contextmanager

import pytest
import torch
from making import training_shards as shards
from making.commands import invoke
from safetensors.torch import load_file

from train import loop
from train.__main__ import app


def prepared(folder):
    """The folder of shards, the glob of them, and a configuration file that trains in a second."""
    pattern = shards.write_all(folder)
    (folder / "tiny.yaml").write_text(shards.TINY)
    return folder, pattern, folder / "tiny.yaml"


@contextmanager
def left_as_it_is(folder):
    """What is in the folder, which tests share, is the same at the end."""
    before = contents(folder)
    yield
    after = contents(folder)
    assert after.keys() == before.keys(), f"a test added to {folder}, or took away"
    changed = [path for path in before if after[path] != before[path]]
    assert changed == [], "a test changed what all share"


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def train(tiny, out, *arguments, code=0, **overrides):
    """The command in this process, on one thread (sums depend on their number)."""
    _, pattern, config = tiny
    before = torch.get_num_threads()
    given = ["--data", pattern, "--out", str(out), "--config", str(config), "--threads", "1"]
    for name, value in overrides.items():
        given += [f"--{name}", str(value)]
    try:
        result = invoke(app, [*given, *map(str, arguments)])
    finally:
        torch.set_num_threads(before)
    assert result.exit_code == code, result.output
    return result


def train_killed(tiny, out, at, *arguments):
    """The command, whose process ends before a step."""
    step_of = loop.train_step

    def killed(parts, step):
        if step == at:
            raise RuntimeError("killed")
        return step_of(parts, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "train_step", killed)
        with pytest.raises(RuntimeError, match="killed"):
            train(tiny, out, *arguments)


@contextmanager
def frozen_base():
    """A run in it fails where a step changes the network that something is trained beside."""
    step_of, before = loop.train_step, dict[str, torch.Tensor]()

    def stepped(parts, step):
        network = getattr(parts.transformer, "base", parts.transformer)
        before.update({} if before else {k: v.clone() for k, v in numbers(network)})
        taken = step_of(parts, step)
        assert [name for name, now in numbers(network) if not torch.equal(before[name], now)] == []
        return taken

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "train_step", stepped)
        yield
    assert before


def numbers(network):
    """(name, tensor) of the weights; of a quantised one what it is stored as."""
    for name, weight in network.named_parameters():
        flatten = getattr(weight, "__tensor_flatten__", None)
        for part in flatten()[0] if flatten else [""]:
            yield f"{name}.{part}", (getattr(weight, part) if part else weight).detach()


def losses(out):
    return [json.loads(line)["loss"] for line in (out / "metrics.jsonl").open()]


def tensors(folder):
    return {
        f"{path.relative_to(folder)}:{name}": value
        for path in sorted(folder.rglob("*.safetensors"))
        for name, value in load_file(path).items()
    }


def assert_same_state(out, other, step):
    """The same curve, weights, averages and optimiser state, bit for bit."""
    assert (out / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
    one, two = tensors(out / f"checkpoint-{step}"), tensors(other / f"checkpoint-{step}")
    assert one.keys() == two.keys()
    assert [name for name in one if not torch.equal(one[name], two[name])] == []


def assert_same_run(out, other):
    """The same state, evaluations and images."""
    assert_same_state(out, other, 40)
    figures = [
        [
            {name: value for name, value in json.loads(line).items() if name != "cpu_seconds"}
            for line in (folder / "evaluations.jsonl").open()
        ]
        for folder in (out, other)
    ]
    assert figures[0] == figures[1]
    for name in ("samples/step-000040.png", "checkpoint-40/README.md"):
        assert (out / name).read_bytes() == (other / name).read_bytes()
