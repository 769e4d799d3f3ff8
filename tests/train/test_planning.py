"""What a run will take: FLOPs, memory and steps, said before it is started."""

import json
import re

import pytest
import torch
from making import packed_control
from making.commands import invoke

from train import configuration_file, devices, fitting, memory, peak
from train.__main__ import app
from train.adapters import base_size
from train.configuration import Configuration
from train.models.qwen_image import QwenImage
from train.models.qwen_image_21 import QwenImage21
from train.packing.layout import ImageSpan, Layout, TextSpan
from train.planned_text import span
from train.tuning import ControlConfiguration


@pytest.fixture
def cheap(monkeypatch):
    """A device of a known peak."""
    monkeypatch.setattr(peak, "peak", lambda *_: peak.Peak(1e12, "made up"))


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


def planned(*arguments):
    """What ``--plan --json`` says."""
    result = invoke(app, ["--plan", "--json", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def given(folder, text):
    (folder / "plan.yaml").write_text(text)
    return "--config", folder / "plan.yaml"


def test_the_plan_says_what_a_run_takes(cheap, tmp_path):
    arguments = given(
        tmp_path,
        "steps: 30\nbatch: 10\ndata: {sizes: [], resize: false}\nphases:\n"
        "  - {steps: 20, resolution: 64}\n  - {label: large, resolution: [64, 128]}",
    )
    result = invoke(app, ["--plan", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert re.match(
        r"network qwen_image: 2,\d\d\d,\d\d\d parameters, [\d,]+ of them trained;", lines[0]
    )
    assert lines[1] == "peak: 1 TFLOP/s, made up, which depends on what else runs"
    assert [line.split(",")[0] for line in lines[2:4]] == [
        f"TFLOP to train on an image of {size}x{size}" for size in (64, 128)
    ]
    assert "phase 1 of 2: 20 steps of 10 samples, 200 in all, " in lines[4]
    assert "phase large: 10 steps of 10 samples, 100 in all, " in lines[5]
    assert lines[6].startswith("all phases: ")
    as_data = planned(*arguments)
    sizes = [image["flops"]["128"] for image in as_data["images"]]
    small, large = as_data["phases"]
    assert (small["flops_of_sample"], large["flops_of_sample"]) == (sizes[0], sum(sizes) / 2)
    assert as_data["effort"]["flops"] == pytest.approx(200 * sizes[0] + 50 * sum(sizes))
    assert as_data["effort"]["hours"] == pytest.approx(as_data["effort"]["flops"] / 0.4e12 / 3600)


def test_a_run_without_phases_is_planned_without_a_name_for_it(cheap):
    result = invoke(app, ["--plan"])
    assert "\nrun: 200 steps of 96 samples, 19,200 in all, with 128 tokens" in result.stdout
    assert "phase" not in result.stdout


def test_what_is_not_divided_decides_whether_a_run_fits(tmp_path):
    plan = planned("--preset", "qwen-image", "--plan-on", "h100x64")
    parts, fit = plan["memory"], plan["fit"]
    divided = sum(parts[name] for name in ("weights", "gradients", "optimiser", "averages"))
    own = sum(parts[name] for name in ("activations", "again", "gathered"))
    assert fit["fits"]
    assert fit["of_each"] == -(-divided // 64) + own
    room = plan["devices"]["memory"] - own
    assert (fit["fewest"] - 1) * room < divided <= fit["fewest"] * room

    arguments = ("--preset", "qwen-image", *given(tmp_path, "recompute: none"))
    kept = planned(*arguments, "--plan-on", "h100x64")
    assert kept["memory"]["activations"] > kept["devices"]["memory"]
    assert (kept["fit"]["fits"], kept["fit"]["fewest"]) == (False, None)
    block = kept["fit"]["changes"][0]
    assert block == {"settings": "recompute: block", "undivided": own, "fewest": fit["fewest"]}


def test_smaller_portions_are_advised_where_these_fit():
    needed = memory.Memory(10, 5, 10, 20, 10, activations=800, again=0, gathered=10)
    assert (needed.of_each(1), needed.of_each(5)) == (855, 820)
    assert (needed.fewest(855), needed.fewest(820), needed.fewest(810)) == (1, 5, None)
    advised = list(fitting._changed(needed, None, 4096, 512, of_device=240))
    assert [settings for settings, _ in advised] == ["tokens_at_once: 512"]
    assert advised[0][1].undivided == 110
    assert not list(fitting._changed(needed, None, 4096, 513, of_device=240))


def test_edits_are_counted_with_what_they_see(cheap, tmp_path):
    arguments = given(
        tmp_path,
        "text_encoder: {view: 32}\ndata: {tasks: {t2i: 6, ti2i: 3, i2i: 1}, sizes: [64x32]}",
    )
    plan = planned(*arguments)
    named = {image["task"]: image for image in plan["images"]}
    tokens = {task: (image["references"], image["seen"]) for task, image in named.items()}
    own = 64 * 32 // 16**2
    assert tokens == {"t2i": (0, 0), "ti2i": (own, 16), "i2i": (0, 16)}
    with_128 = {task: image["flops"]["128"] for task, image in named.items()}
    wanted = 0.6 * with_128["t2i"] + 0.3 * with_128["ti2i"] + 0.1 * with_128["i2i"]
    assert plan["phases"][0]["flops_of_sample"] == pytest.approx(wanted)
    assert with_128["t2i"] < with_128["i2i"] < with_128["ti2i"]
    lines = invoke(app, ["--plan", *map(str, arguments)]).stdout
    assert "an edit of 64x32 (ti2i; more tokens: 8 of an input of that size and 16 of" in lines


def test_edits_of_qwen_image_21_cost_more_than_images():
    plan = planned("--preset", "qwen-image-21", "--plan-on", "h100x256")
    plain, edits = (phase["flops_of_sample"] for phase in plan["phases"][:2])
    assert plain == pytest.approx(16.25e12, rel=1e-3)
    assert edits == pytest.approx(0.9 * plain + 0.1 * 27.2e12, rel=2e-3)
    assert plan["fit"]["fits"]


@pytest.mark.parametrize(
    ("on", "count", "gigabytes"), [("h100", 1, 80), ("a100-40gbx8", 8, 40), ("RTX 4090x2", 2, 24)]
)
def test_a_run_is_planned_for_devices_by_name(on, count, gigabytes):
    devices_named, configuration = devices.named(on, Configuration(preset="x"))
    assert (devices_named.count, devices_named.memory) == (count, gigabytes * 10**9)
    assert configuration.precision == "bf16"
    assert devices_named.hours(3600 * devices_named.flops * count, 0.5) == 2


@pytest.mark.parametrize(
    ("on", "text", "said"),
    [
        ("h10x8", "{}", "--plan-on h10x8: expected one of a10, a100, "),
        ("h100", "precision: fp32", "known in bf16, and precision is fp32"),
        ("h100x2", "batch: 1", "a batch of 1 is divided among 2 processes"),
    ],
)
def test_what_cannot_be_planned_for_is_refused(tmp_path, on, text, said):
    result = invoke(app, ["--plan-on", on, *map(str, given(tmp_path, text))])
    assert result.exit_code == 2
    assert said in result.stderr


def test_long_times_are_said_in_days_and_years():
    hours = {0.001: "3.6 seconds", 0.5: "30.0 minutes", 23: "23.0 hours", 36: "1.5 days"}
    assert {each: span(each) for each in hours} == hours
    assert span(24 * 365 * 1234) == "1,234 years"


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


def test_an_adapter_is_planned_beside_a_frozen_network(cheap, tmp_path):
    def planned(preset, *arguments):
        given = ["--preset", preset, "--plan-on", "rtx-4090", "--json", *arguments]
        result = invoke(app, given)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    plan = planned("lora")
    memory, bases = plan["memory"], plan["bases"]
    rank, width, blocks = 16, 3072, 60
    of_block = 2 * (4 * 2 * width + 2 * 5 * width) * rank  # attention and MLP of both streams
    unused = (2 * width + 2 * width + 2 * 5 * width) * rank  # of the text in the last block
    assert plan["trained"] == blocks * of_block - unused
    assert memory["gradients"] == memory["averages"] == 4 * plan["trained"]
    assert plan["fit"]["fits"]
    assert bases["nf4"] < bases["int8"] < bases["bfloat16"] < bases["float32"]
    assert bases["nf4"] == pytest.approx(memory["weights"] + plan_rest(memory))
    config = tmp_path / "whole.yaml"
    config.write_text("adapter: {rank: 16, base: bfloat16}\ntext_encoder: {device: run}")
    more = planned("lora", "--config", str(config))
    assert not more["fit"]["fits"]
    assert more["memory"]["encoders"] > 16e9 > memory["encoders"]
    config.write_text("adapter: null\nweights: ''")  # else the same: every weight has a gradient
    full, own = (each["images"][0] for each in (planned("lora", "--config", str(config)), plan))
    assert full["size"] == own["size"] == "1024x1024"
    assert own["flops"]["128"] / full["flops"]["128"] == pytest.approx(2 / 3)
    of_21 = planned("lora-21")
    assert of_21["bases"]["bfloat16"] < plan["bases"]["bfloat16"]


def plan_rest(memory):
    names = ("copies", "gradients", "optimiser", "averages", "activations", "again", "encoders")
    return sum(memory[name] for name in names)


def test_a_controlnet_is_planned_beside_a_frozen_network(cheap, tmp_path, monkeypatch):
    config = tmp_path / "control.yaml"
    config.write_text("control: {blocks: 5}\ndata: {conditions: {canny: 1}}\nphases: []\n")
    given = ["--preset", "qwen-image", "--config", str(config), "--plan-on", "h200", "--json"]
    counted = []

    def kept(family, configuration, channels, blocks=1):
        counted.append((family.heads, family.layers, blocks))
        return 1000.0 * family.heads * (family.layers + 3 * blocks)

    monkeypatch.setattr(memory, "_kept", kept)
    result = invoke(app, given)
    assert result.exit_code == 0, result.output
    plan = json.loads(result.stdout)
    assert 1.6e9 < plan["trained"] < 1.768e9  # less text behind its last block
    needed = plan["memory"]
    assert needed["weights"] == 2 * plan["parameters"] + 4 * plan["trained"]
    assert needed["averages"] == needed["gradients"] == 4 * plan["trained"]
    assert needed["activations"] == plan["tokens_at_once"] * 1000 * 24 * (60 + 3 * 5)
    assert {blocks for *_, blocks in counted} == {1, 2}


@pytest.mark.parametrize(
    ("preset", "blocks", "says"),
    [
        ("qwen-image", 99, "control.blocks: 99 blocks of a network that has 60"),
        ("qwen-image-21", 5, "control: model qwen_image_21 takes no ControlNet of ours"),
    ],
)
def test_a_controlnet_that_cannot_be_is_not_planned(preset, blocks, says, tmp_path):
    config = tmp_path / "control.yaml"
    config.write_text(f"control: {{blocks: {blocks}}}\nweights: absent\nphases: []\n")
    given = ["--preset", preset, "--config", str(config), "--plan-on", "h200"]
    result = invoke(app, given)
    assert result.exit_code == 2
    assert says in result.stderr.splitlines()[-1]


def test_a_controlnet_that_is_there_is_planned_with_its_blocks(tmp_path):
    packed_control.ours(packed_control.theirs(2), tmp_path)
    assert memory.control_blocks(ControlConfiguration(start=str(tmp_path))) == 2
    assert memory.control_blocks(ControlConfiguration(start=str(tmp_path / "absent"))) == 5


def test_a_checkpoint_of_ours_is_held_in_the_numbers_that_it_is_stored_in(tmp_path):
    network = torch.nn.Linear(100, 100)
    count = 100 * 101
    plain = configuration_file.shipped("lora")
    adapter = plain.adapter.model_copy(update={"base": "stored"})
    changes = {"adapter": adapter, "weights": str(tmp_path), "precision": "bf16"}
    configuration = plain.model_copy(update=changes)
    (tmp_path / "transformer").mkdir()
    for size in (2, 4):
        (tmp_path / "transformer" / "a.safetensors").write_bytes(bytes(size * count))
        assert base_size.weights(configuration, network) == size * count


def test_before_and_after_show_the_same_prompts():
    for preset in ("lora", "lora-21"):
        settings = configuration_file.shipped(preset).evaluation
        assert settings.images >= settings.grid


def test_a_controlnet_keeps_activations_of_its_own(monkeypatch):
    monkeypatch.setattr(memory, "_GRID", (2, 2))
    monkeypatch.setattr(memory, "_TEXT", 4)
    family = QwenImage(layers=2, heads=1)
    plain = configuration_file.resolve("qwen-image").model_copy(
        update={"precision": "fp32", "recompute": "none"}
    )
    update = {"control": ControlConfiguration(blocks=1)}
    first, second = (memory._kept(family, plain.model_copy(update=update), 4, n) for n in (1, 2))
    assert 0 < second - first < first < memory._kept(family, plain, 4) + 2 * (second - first)
