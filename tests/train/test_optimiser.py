"""Who moves which parameter, learning rates, and the moving average."""

from itertools import chain

import pytest
import torch
from torch import nn

from train import ema
from train.configuration import EmaConfiguration, OptimiserConfiguration
from train.models.qwen_image import QwenImage
from train.optimisers import building, schedule
from train.optimisers.muon import Muon
from train.packing.keys import Published, Source, apart
from train.text_encoders.byte_text import ByteTextEncoder

MODEL = QwenImage(layers=2, heads=1, head_width=16, rope_axes=(4, 6, 6))


@pytest.fixture
def modules():
    torch.manual_seed(0)
    return {"transformer": MODEL.build(4, 8), "text_encoder": ByteTextEncoder(8, words=16)}


@pytest.fixture
def matrices(modules):
    found = MODEL.matrices(modules["transformer"])
    return {f"transformer.{name}": count for name, count in found.items()}


def test_every_parameter_that_is_trained_is_moved_by_exactly_one_optimiser(modules, matrices):
    weights = [weight for module in modules.values() for weight in module.parameters()]
    trained = sorted(id(weight) for weight in weights if weight.requires_grad)
    assert len(trained) < len(weights)  # the last block's text has weights that nobody sees
    for kind, count in (("adamw", 1), ("muon", 2)):
        built = building.build(OptimiserConfiguration(kind=kind), modules, matrices)
        held = [[id(w) for group in one.param_groups for w in group["params"]] for one in built]
        assert len(built) == count
        assert sorted(chain(*held)) == trained
    inside = {
        id(weight)
        for name, weight in modules["transformer"].blocks.named_parameters()
        if weight.ndim == 2 and weight.requires_grad and "modulation" not in name
    }
    assert set(held[1]) == inside


def test_frozen_parameters_are_left_alone(modules, matrices):
    modules["transformer"].requires_grad_(False)
    built = building.build(OptimiserConfiguration(kind="muon"), modules, matrices)
    held = [w for one in built for group in one.param_groups for w in group["params"]]
    assert set(map(id, held)) == {id(weight) for weight in modules["text_encoder"].parameters()}


def gradient(rows, columns, seed=0):
    """A gradient whose directions differ by a factor of ten each."""
    random = torch.Generator().manual_seed(seed)
    wide = torch.randn(rows, columns, generator=random)
    return wide @ torch.diag(10.0 ** -torch.arange(columns))


def fused(count, heads=1):
    return Source(tuple(Published(str(number)) for number in range(count)), heads)


def moved(weight, grad, source=None, **settings):
    """What one step with learning rate 0.1 makes of a weight."""
    weight = nn.Parameter(weight.clone())
    weight.grad = grad.clone()
    Muon([(weight, source or fused(1))], 0.1, **settings).step()
    return weight.detach()


def test_muon_orthogonalises_its_step_and_makes_it_as_long_as_adamws():
    grad = gradient(6, 6)
    step = -moved(torch.zeros(6, 6), grad, momentum=0.0) / 0.1
    singular = torch.linalg.svdvals(step) / (0.2 * 6**0.5)
    spread = torch.linalg.svdvals(grad)
    assert spread[0] / spread[3] > 100
    assert singular[3] > 0.1  # a direction a thousand times weaker moves nearly as far
    assert singular[0] < 1.5
    long = torch.randn(64, 256, generator=torch.Generator().manual_seed(1))
    rms = (moved(torch.zeros(64, 256), long, momentum=0.0) / 0.1).square().mean().sqrt()
    assert float(rms) == pytest.approx(0.2, rel=0.3)


@pytest.mark.parametrize("heads", [1, 2])
def test_fused_matrices_move_as_if_each_were_alone(heads):
    weight, grad, source = gradient(12, 5, seed=2), gradient(12, 5, seed=3), fused(3, heads)
    changed = apart(source, moved(weight, grad, source, weight_decay=0.1))
    before, slopes = apart(source, weight), apart(source, grad)
    for part in range(3):
        alone = moved(before[part], slopes[part], weight_decay=0.1)
        assert torch.allclose(changed[part], alone, atol=2e-3)
    mixed = apart(source, moved(weight, grad, weight_decay=0.1))
    assert not torch.allclose(changed, mixed, atol=2e-2)
    with pytest.raises(ValueError, match="expected 5 matrices, fused"):
        Muon([(nn.Parameter(weight), fused(5))], 0.1)


def test_rates_rise_then_hold_then_fall():
    settings = OptimiserConfiguration(warmup=10, decay=0.25)
    rates = [schedule.learning_rate_factor(step, 100, settings) for step in range(1, 101)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert set(rates[9:76]) == {1.0}
    assert rates[-1] == pytest.approx(0.04)
    assert rates[-25:] == sorted(rates[-25:], reverse=True)
    flat = OptimiserConfiguration(warmup=0, decay=0)
    assert {schedule.learning_rate_factor(step, 100, flat) for step in range(1, 101)} == {1.0}


def test_both_optimisers_follow_the_schedule(modules, matrices):
    settings = OptimiserConfiguration(kind="muon", learning_rate=0.5, muon_learning_rate=0.25)
    built = building.build(settings, modules, matrices)
    for factor in (0.5, 0.1):
        schedule.set_learning_rates(built, factor)
    assert [group["lr"] for one in built for group in one.param_groups] == [0.05, 0.025]


@pytest.mark.parametrize("kind", ["decay", "power"])
def test_the_average_is_the_formula(kind):
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    settings = EmaConfiguration(kind=kind, decay=0.35, widths=(0.1,))
    (average,) = ema.start(settings, {"a": layer})
    expected = [weight.detach().clone() for weight in layer.parameters()]
    for step in range(1, 6):
        with torch.no_grad():
            for weight in layer.parameters():
                weight.add_(torch.randn_like(weight))
            layer[1].running_mean.add_(1)
        kept = min(0.35, (1 + step) / (10 + step)) if kind == "decay" else (1 - 1 / step) ** 7.937
        average.update({"a": layer}, step)
        expected = [
            kept * old + (1 - kept) * new.detach()
            for old, new in zip(expected, layer.parameters(), strict=True)
        ]
    for held, formula in zip(average.modules["a"].parameters(), expected, strict=True):
        assert torch.allclose(held, formula, atol=1e-4 if kind == "power" else 1e-6)
        assert not held.requires_grad
    assert torch.equal(average.modules["a"][1].running_mean, layer[1].running_mean)
