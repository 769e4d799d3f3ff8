"""Who moves which parameter, learning rates, and the moving average."""

import pytest
import torch
from torch import nn

from train import ema, optimiser
from train.configuration import OptimiserConfiguration
from train.models.qwen_image import QwenImage
from train.text_encoders.byte_text import ByteTextEncoder

MODEL = QwenImage(layers=2, heads=1, head_width=16, rope_axes=(4, 6, 6))


@pytest.fixture
def modules():
    torch.manual_seed(0)
    return {"transformer": MODEL.build(4, 8), "text_encoder": ByteTextEncoder(8, words=16)}


def test_every_parameter_is_moved_by_exactly_one_optimiser(modules):
    hidden, rest = optimiser.split(modules)
    everything = [id(weight) for module in modules.values() for weight in module.parameters()]
    assert sorted(map(id, [*hidden, *rest])) == sorted(everything)
    assert all(weight.ndim == 2 for weight in hidden)
    inside = [name for name, _ in modules["transformer"].transformer_blocks.named_parameters()]
    assert len(hidden) == sum(name.endswith("weight") and "norm" not in name for name in inside)
    for kind, count in (("adamw", 1), ("muon", 2)):
        built = optimiser.build(OptimiserConfiguration(kind=kind), modules)
        held = [id(w) for one in built for group in one.param_groups for w in group["params"]]
        assert len(built) == count
        assert sorted(held) == sorted(everything)


def test_frozen_parameters_are_left_alone(modules):
    modules["text_encoder"].requires_grad_(False)
    hidden, rest = optimiser.split(modules)
    total = sum(1 for _ in modules["transformer"].parameters())
    assert len(hidden) + len(rest) == total


def test_muon_orthogonalises_its_step():
    blocks = nn.ModuleDict({"transformer_blocks": nn.ModuleList([nn.Linear(6, 6)])})
    settings = OptimiserConfiguration(kind="muon", muon_learning_rate=0.1, momentum=0.0)
    built = optimiser.build(settings, {"transformer": blocks})
    layer = blocks["transformer_blocks"][0]
    before = layer.weight.detach().clone()
    gradient = torch.randn(6, 6, generator=torch.manual_seed(0)) @ torch.diag(
        10.0 ** -torch.arange(6)
    )
    layer.weight.grad, layer.bias.grad = gradient, torch.ones(6)
    for one in built:
        one.step()
    singular = torch.linalg.svdvals((before - layer.weight.detach()) / 0.1)
    spread = torch.linalg.svdvals(gradient)
    assert spread[0] / spread[3] > 100
    assert singular[3] > 0.1  # a direction a thousand times weaker moves nearly as far
    assert singular[0] < 1.5


def test_rates_rise_then_hold_then_fall():
    settings = OptimiserConfiguration(warmup=10, decay=0.25)
    rates = [optimiser.learning_rate_factor(step, 100, settings) for step in range(1, 101)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert set(rates[9:76]) == {1.0}
    assert rates[-1] == pytest.approx(0.04)
    assert rates[-25:] == sorted(rates[-25:], reverse=True)
    flat = OptimiserConfiguration(warmup=0, decay=0)
    assert {optimiser.learning_rate_factor(step, 100, flat) for step in range(1, 101)} == {1.0}


def test_both_optimisers_follow_the_schedule(modules):
    settings = OptimiserConfiguration(kind="muon", learning_rate=0.5, muon_learning_rate=0.25)
    built = optimiser.build(settings, modules)
    optimiser.set_learning_rates(built, 0.1, settings)
    assert [group["lr"] for one in built for group in one.param_groups] == [0.05, 0.025]


def test_the_average_is_the_formula():
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = ema.start({"a": layer})
    expected = [weight.detach().clone() for weight in layer.parameters()]
    for step in range(1, 6):
        with torch.no_grad():
            for weight in layer.parameters():
                weight.add_(torch.randn_like(weight))
            layer[1].running_mean.add_(1)
        decay = ema.decay_at(step, 0.35)
        ema.update(average, {"a": layer}, decay)
        expected = [
            decay * old + (1 - decay) * new.detach()
            for old, new in zip(expected, layer.parameters(), strict=True)
        ]
    for held, formula in zip(average["a"].parameters(), expected, strict=True):
        assert torch.allclose(held, formula, atol=1e-6)
        assert not held.requires_grad
    assert torch.equal(average["a"][1].running_mean, layer[1].running_mean)
    assert [ema.decay_at(step, 0.35) for step in (1, 2, 10)] == [2 / 11, 0.25, 0.35]
