"""What a run will take: FLOPs, memory and steps, said before it is started."""

import re

import pytest
import torch
from making.commands import invoke

from train import memory, peak, planning
from train.__main__ import app
from train.configuration import Configuration
from train.models.qwen_image import QwenImage
from train.models.qwen_image_21 import QwenImage21
from train.packing.layout import ImageSpan, Layout, TextSpan


@pytest.fixture
def cheap(monkeypatch):
    """A device of a known peak."""
    monkeypatch.setattr(planning, "peak", lambda *_: peak.Peak(1e12, "made up"))


def test_training_flops_are_those_of_the_published_sizes():
    """TFLOP a sample with 128 tokens of text, worked out from the published sizes by hand."""
    with torch.device("meta"):
        first = QwenImage(layers=2).build(16, 3584)
    second = QwenImage21(layers=2)
    for pixels, of_first, of_second in ((256, 16.0, 16.2), (1024, 212, 204)):
        side = pixels // 16
        layout = Layout(((TextSpan(128), ImageSpan(side, side, target=True)),))
        own = 3 * 60 / 2 * QwenImage(layers=2).flops(first, layout) / 1e12
        assert own == pytest.approx(of_first, rel=0.01)
        assert 3 * 32 / 2 * second.flops(None, layout) / 1e12 == pytest.approx(of_second, rel=0.02)


def test_activations_are_those_of_a_network_of_that_size():
    settings = {"name": "qwen_image", "heads": 3, "layers": 4, "head_width": 16}
    settings["rope_axes"] = (4, 6, 6)
    counted = []
    for recompute in ("none", "selective", "block"):
        given = {"preset": "x", "precision": "fp32", "recompute": recompute, "model": settings}
        configuration = Configuration.model_validate(given | {"tokens_at_once": 1000})
        predicted = memory.activations(configuration, 4, 8)
        direct = memory._kept(configuration.model, configuration, 4) * 1000
        assert predicted == pytest.approx(direct, rel=1e-6)
        counted.append(predicted)
    assert counted[0] > counted[1] > 5 * counted[2]
    entering = 4 * 3 * 16 * 1000 * 4  # bytes of what enters four blocks, in fp32
    assert entering < counted[2] < 3 * entering  # and what is before and behind them


def test_memory_follows_optimiser_and_averages(cheap):
    def needed(**changes):
        model = {"name": "qwen_image", "layers": 2, "heads": 2, "head_width": 64}
        given = {"preset": "x", "precision": "bf16", "model": model | {"rope_axes": (16, 24, 24)}}
        configuration = Configuration.model_validate(given | changes)
        with torch.device("meta"):
            network = configuration.model.build(16, 64)
        return memory.needed(configuration, network, 16, 64)

    plain = needed()
    assert plain.weights == plain.averages == 2 * plain.copies
    assert plain.optimiser == 2 * plain.gradients < 2 * plain.weights  # some is never trained
    small = needed(optimiser={"states": "int8"}, ema={"kind": "power"})
    assert (small.optimiser, small.averages) == (plain.optimiser // 4, 2 * plain.averages)
    assert plain.optimiser > needed(optimiser={"kind": "muon"}).optimiser > plain.gradients


def test_the_plan_says_what_a_run_takes(cheap, tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(
        "steps: 30\nbatch: 10\ndata: {sizes: [], resize: false}\nphases:\n"
        "  - {label: small, steps: 20, resolution: 64}\n  - {label: large, resolution: [64, 128]}"
    )
    result = invoke(app, ["--plan", "--config", str(path)])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert re.match(
        r"network qwen_image: 3,\d\d\d,\d\d\d parameters, [\d,]+ of them trained;", lines[0]
    )
    assert [line.split(",")[0] for line in lines[1:3]] == [
        f"TFLOP to train on an image of {size}x{size}" for size in (64, 128)
    ]
    assert "phase small: 20 steps of 10 samples, 200 in all, " in lines[3]
    assert "phase large: 10 steps of 10 samples, 100 in all, " in lines[4]
    assert lines[-1] == "peak: 1 TFLOP/s, made up"
    flops, hours = re.search(r"([\d.e+]+) FLOP .* ([\d.,]+) hours", lines[3]).groups()
    assert float(hours) == pytest.approx(float(flops) / 0.4e12 / 3600, abs=0.06)


@pytest.mark.parametrize(
    ("name", "flops"),
    [
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA GeForce RTX 4090", 165e12),
        ("NVIDIA L40S", 362e12),
        ("NVIDIA T1000", None),
    ],
)
def test_peaks_of_gpus_are_known_by_name(name, flops):
    known = peak.of_table(name)
    assert (known.flops if known else None) == flops


def test_a_peak_is_measured_where_the_table_has_none():
    measured = peak.peak("cpu", "fp32")
    assert measured.source == "measured by products of matrices on cpu"
    assert 1e8 < measured.flops < 1e15
