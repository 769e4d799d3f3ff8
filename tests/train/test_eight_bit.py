"""AdamW with states of a byte learns as AdamW does, and goes on from a checkpoint to the bit."""

import pytest
import torch
from making.training_runs import assert_same_state, losses, tensors, train
from torch import nn

from train import checkpoint
from train.configuration import OptimiserConfiguration
from train.optimisers import building, schedule, states

pytest.importorskip("torchao")


def moved(kind):
    """A matrix and a vector after twenty steps towards others, and their optimiser."""
    random = torch.Generator().manual_seed(0)
    layer = nn.Linear(64, 64)
    goal = [torch.randn(weight.shape, generator=random) for weight in layer.parameters()]
    for weight in layer.parameters():
        nn.init.zeros_(weight)
    settings = OptimiserConfiguration(learning_rate=0.1, states=kind)
    built = building.build(settings, {"a": layer}, {})
    for step in range(1, 21):
        schedule.set_learning_rates(built, schedule.learning_rate_factor(step, 20, settings))
        for weight, wanted in zip(layer.parameters(), goal, strict=True):
            weight.grad = weight.detach() - wanted
        built[0].step()
    return layer, built


def test_its_moments_take_a_byte_and_its_steps_are_adamws():
    (own, built), (plain, _) = moved("int8"), moved("fp32")
    of_matrix, of_vector = (
        {slot: value for weight, slot, value in states.plain(built) if weight is each}
        for each in own.parameters()
    )
    assert of_matrix["exp_avg.codes"].dtype == torch.uint8
    bytes_of = sum(value.nbytes for value in of_matrix.values())
    assert bytes_of < 2.6 * own.weight.numel()  # two moments, and two tables of 1 KiB
    assert of_vector["exp_avg"].dtype == torch.float32  # too small to be worth it
    change = plain.weight.norm()
    assert change > 10
    assert (own.weight - plain.weight).norm() < 0.05 * change
    assert not torch.equal(own.weight, plain.weight)
    assert torch.allclose(own.bias, plain.bias, atol=1e-5)


@pytest.fixture
def eight_bit(tiny, tmp_path):
    folder, pattern, config = tiny
    path = tmp_path / "int8.yaml"
    path.write_text(config.read_text().replace("warmup: 2", "warmup: 2, states: int8, kind: adamw"))
    return folder, pattern, path


def test_a_run_goes_on_in_the_same_bits(eight_bit, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(eight_bit, whole, steps=14)
    stored = tensors(whole / "checkpoint-14")
    assert any(name.endswith("exp_avg_sq.codes") for name in stored)
    for steps in (10, 14):  # goes back to before the rate fell
        train(eight_bit, parts, steps=steps)
    assert checkpoint.read_progress(parts / "checkpoint-14").step == 14
    assert_same_state(parts, whole, 14)
    assert losses(whole)[-1] < losses(whole)[0]
