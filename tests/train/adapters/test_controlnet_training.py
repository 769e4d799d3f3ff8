"""A ControlNet that is trained: what its network computes, exactly continued, and a folder that
diffusers and ``infer`` read.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from making import packed_control
from making import training_shards as shards
from making.commands import invoke
from making.packed_qwen import TINY, off, ours, packed, target, theirs
from making.training_runs import frozen_base, tensors, train, train_killed
from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import conditions
from infer.__main__ import app as infer_app
from train import configuration_file
from train.adapters import adapted, controlled
from train.data import following
from train.evaluators.prompts import Prompts
from train.models.qwen_image import control, controlnet
from train.models.qwen_image.control import Control
from train.models.qwen_image.controlled import Controlled
from train.packing import patches
from train.packing.layout import ImageSpan, Layout, TextSpan
from train.packing.packed import Packed
from train.text_encoders.byte_text import ByteTextEncoder
from train.tuning import ControlConfiguration

CONTROL = """
steps: 16
batch: 8
precision: fp32
weights: {weights}
control: {control}
data: {data}
optimiser: {optimiser}
evaluation: {{every: 8, images: 4, steps: 2, grid: 4, gradients: false}}
checkpoint: {{every: 4}}
log_every: 4
ema: {{decay: 0.8}}
"""
ADAMW = "{kind: adamw, learning_rate: 0.02, warmup: 2, decay: 0.3}"
CANNY = "{sizes: [], held_out: 0.2, conditions: {canny: 1, line_art: 1}}"
SAMPLES = (
    (TextSpan(7), target(3, 5), ImageSpan(3, 5, target=False)),
    (TextSpan(3), target(4, 2), ImageSpan(4, 2, target=False)),
)


@torch.no_grad()
@pytest.mark.parametrize("extra", [0, 4])
def test_the_controlled_network_is_base_and_controlnet_beside_one_another(extra, tmp_path):
    base = ours(theirs(TINY), tmp_path / "base")
    own = packed_control.ours(packed_control.theirs(2, extra), tmp_path / "control")
    samples = SAMPLES
    if extra:
        samples = tuple((*sample, sample[-1]) for sample in SAMPLES)
    batch = packed(Layout(samples))
    start, condition, mask = 0, [], []
    plain = Layout(tuple(sample[:2] for sample in SAMPLES))
    image = batch.image.clone()
    for sample in samples:
        count = sample[1].tokens
        condition.append(image[start + count : start + 2 * count])
        if extra:
            hole = torch.randint(0, 2, (count, extra)).float()
            image[start + 2 * count : start + 3 * count, :extra] = hole
            mask.append(hole)
        start += count * (3 if extra else 2)
    batch = replace(batch, image=image)
    measured = Controlled(base, own)(batch)
    targets = batch.image[torch.from_numpy(batch.layout.target_places)]
    seen = Packed(batch.text, targets, batch.sigma, plain)
    shown = torch.cat(condition)
    if extra:
        shown = torch.cat([shown, torch.cat(mask)], 1)
    by = [
        control.Controlled(Control(unpacked(each, sample[1])), number, (number,))
        for number, (each, sample) in enumerate(
            zip(shown.split(plain.target_lengths), samples, strict=True)
        )
    ]
    expected = base(seen, residuals=control.residuals(own, seen, by))
    assert off(measured, expected) < 1e-6
    assert off(measured, base(seen)) > 0.01


def unpacked(tokens, span):
    return patches.unpack(tokens, 2, 2 * span.height, 2 * span.width)


def test_a_condition_of_another_size_is_refused(tmp_path):
    base = ours(theirs(TINY), tmp_path / "base")
    network = Controlled(base, controlnet.of_base(base, 1))
    wrong = Layout(((TextSpan(2), target(2, 2), ImageSpan(2, 1, target=False)),))
    with pytest.raises(ValueError, match="1 conditions; expected 1 of its size"):
        network(packed(wrong))


def test_a_row_always_has_the_same_condition_and_a_mix_its_shares():
    mix = {"canny": 3.0, "line_art": 1.0}
    kinds = [following.kind(mix, f"row {number}") for number in range(1000)]
    assert kinds == [following.kind(mix, f"row {number}") for number in range(1000)]
    assert 700 < kinds.count("canny") < 800
    rgb = np.array(shards.draw("AE", "red"))
    (edges,) = following.condition(rgb, {"canny": 1.0}, "a")
    assert np.array_equal(edges, conditions.canny(rgb))


def test_holes_are_black_in_the_image_and_said_by_cells():
    rgb = np.full((64, 96, 3), 200, np.uint8)
    shares = []
    for number in range(20):
        masked, hole = following.condition(rgb, {"inpaint": 1.0}, f"row {number}")
        assert np.array_equal(masked == 0, hole == 255)
        assert np.array_equal(masked[hole == 0], rgb[hole == 0])
        shares.append((hole == 255).mean())
    assert 0.01 < min(shares) < max(shares) < 0.9
    assert len(set(shares)) > 15

    class Eights:
        channels, factor = 5, 8

    kept = following.kept(Eights, hole)
    assert kept.shape == (5, 8, 12)
    assert torch.equal(kept[3], torch.from_numpy(hole[::8, ::8, 0] == 0).float())


@pytest.fixture(scope="module")
def run(tiny, undisturbed, tmp_path_factory):
    """The tiny run, and a ControlNet beside it that ran undisturbed."""
    folder, pattern, _ = tiny
    place = tmp_path_factory.mktemp("control")
    config = written(place, undisturbed[0])
    with frozen_base():
        said = train((folder, pattern, config), place / "out").stderr
    return (folder, pattern, config), place / "out", said


def written(place, base, **changes):
    given = {"weights": base, "control": "{blocks: 1}", "data": CANNY, "optimiser": ADAMW}
    config = place / "control.yaml"
    config.write_text(CONTROL.format(**(given | changes)))
    return config


def test_a_run_says_what_it_trains_and_begins_as_the_base(run, undisturbed):
    _, out, said = run
    assert f"M parameters of a ControlNet beside {undisturbed[0] / 'checkpoint-40'}, fp32" in said
    evaluated = [json.loads(line) for line in (out / "evaluations.jsonl").open()]
    assert [each["step"] for each in evaluated] == [0, 8, 16]
    base = [json.loads(line) for line in (undisturbed[0] / "evaluations.jsonl").open()]
    assert evaluated[0]["held_out_loss"] == pytest.approx(base[-1]["held_out_loss"], rel=1e-4)
    assert evaluated[2]["held_out_loss"] != evaluated[0]["held_out_loss"]
    card = (out / "checkpoint-16" / "README.md").read_text()
    assert "# ControlNet of qwen_image" in card
    assert "QwenImageControlNetModel.from_pretrained" in card


def test_killed_it_ends_in_the_same_bytes(run, tmp_path):
    tiny, out, _ = run
    again = tmp_path / "again"
    train_killed(tiny, again, 10)
    assert (again / "latest").read_text() == "checkpoint-8\n"
    assert "after step 8" in train(tiny, again).stderr
    weights = "checkpoint-16/controlnet/diffusion_pytorch_model.safetensors"
    names = ["metrics.jsonl", "samples/step-000016.png", weights, "checkpoint-16/README.md"]
    for name in names:
        assert (out / name).read_bytes() == (again / name).read_bytes(), name
    mine, other = tensors(out / "checkpoint-16"), tensors(again / "checkpoint-16")
    assert mine.keys() == other.keys()
    assert all(torch.equal(mine[name], other[name]) for name in mine)


def test_diffusers_reads_the_averages_and_writes_the_same_weights(run, tmp_path):
    from diffusers import QwenImageControlNetModel

    _, out, _ = run
    folder = out / "checkpoint-16" / "controlnet"
    network, info = QwenImageControlNetModel.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    network.save_pretrained(tmp_path / "theirs")
    mine, other = tensors(folder), tensors(tmp_path / "theirs")
    assert mine.keys() == other.keys()
    assert all(torch.equal(mine[name], other[name]) for name in mine)
    assert float(network.controlnet_blocks[0].weight.detach().abs().sum()) > 0
    assert float(network.controlnet_x_embedder.weight.detach().abs().sum()) > 0


def test_infer_follows_a_condition_with_it_and_does_not_take_it_for_a_model(
    run, undisturbed, tmp_path
):
    _, out, _ = run
    Image.fromarray(np.array(shards.draw("AE", "red"))).save(tmp_path / "source.png")
    given = ['The text "AE" in red on a white background.', "--steps", "2", "--size", "32x16"]
    model = ["--checkpoint", str(undisturbed[0])]
    follows = ["--controlnet", str(out), "--control", f"canny:{tmp_path / 'source.png'}"]
    images = []
    for name, more in (("image", follows), ("plain", [])):
        path = tmp_path / f"{name}.png"
        result = invoke(infer_app, [*given, *model, *more, "-o", str(path)])
        assert result.exit_code == 0, result.output
        images.append(np.array(Image.open(path)))
    assert not np.array_equal(*images)
    alone = invoke(infer_app, [*given, "--checkpoint", str(out), "-o", str(tmp_path / "x.png")])
    assert alone.exit_code == 2
    assert "a ControlNet, not a model: --checkpoint" in alone.stderr


def test_it_goes_on_from_a_controlnet_and_learns_holes(run, undisturbed, tmp_path):
    (folder, pattern, _), out, _ = run
    data = CANNY.replace("{canny: 1, line_art: 1}", "{inpaint: 1}")
    muon = "{kind: muon, learning_rate: 0.005, muon_learning_rate: 0.01}"
    config = written(tmp_path, undisturbed[0], data=data, optimiser=muon)
    said = train((folder, pattern, config), tmp_path / "holes", steps=2)
    assert said.exit_code == 0
    stored = json.loads((tmp_path / "holes/checkpoint-2/controlnet/config.json").read_text())
    assert stored["extra_condition_channels"] == 4
    control = f"{{start: {out}}}"
    config = written(tmp_path, undisturbed[0], data=data, control=control)
    refused = train((folder, pattern, config), tmp_path / "wrong", code=2)
    assert "does not inpaint" in refused.stderr
    config = written(tmp_path, undisturbed[0], control=control)
    assert train((folder, pattern, config), tmp_path / "on", steps=1).exit_code == 0
    mine, before = (tensors(place) for place in (tmp_path / "on/checkpoint-1", out))
    name = "controlnet/diffusion_pytorch_model.safetensors:controlnet_blocks.0.weight"
    assert off(mine[name], before[f"checkpoint-16/{name}"]) < 0.5


def test_rows_may_bring_maps_and_those_of_another_size_are_left_out(tiny, undisturbed, tmp_path):
    rows = shards.rows(24)
    for number, row in enumerate(rows):
        colour = "black" if number else "white"
        given = shards.png(Image.new("RGB", (32 if number else 16, 16), colour))
        row["inputs"] = [{"bytes": given, "path": None}]
        row["caption_instruction"] = row["caption_recaption"]
    del rows[-1]["inputs"], rows[-1]["caption_instruction"]
    shards.write(tmp_path / "part-00000.parquet", rows)
    data = "{sizes: [], held_out: 0, tasks: {ti2i: 1}}"
    config = written(tmp_path, undisturbed[0], data=data)
    asked = (tmp_path, str(tmp_path / "part-*.parquet"), config)
    said = train(asked, tmp_path / "out", steps=4).stderr
    assert "1 images are not trained on: data.tasks has neither t2i nor i2i" in said
    bad = [json.loads(line) for line in (tmp_path / "out/unreadable.jsonl").open()]
    assert "expected one map as large as it is" in bad[0]["detail"]
    assert "expected a map, or data.conditions" in bad[1]["detail"]
    assert len(bad) == 2


def test_prompts_without_a_condition_are_refused(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("a cat")
    settings = configuration_file.shipped("lora")
    changed = settings.model_copy(update={"control": ControlConfiguration()})
    with pytest.raises(UsageError, match="prompts have no condition for a ControlNet"):
        Prompts(name="prompts", file=str(path)).begin().prepare(None, changed)


def test_training_begins_with_every_bit_of_a_stored_controlnet(tmp_path):
    stored = packed_control.ours(packed_control.theirs(2), tmp_path / "control")
    network = ours(theirs(TINY), tmp_path / "base").bfloat16()
    settings = configuration_file.shipped("lora")
    control = ControlConfiguration(start=str(tmp_path / "control"))
    own = controlled._start(network, settings.model_copy(update={"control": control}))
    expected = stored.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in own.state_dict().items())


def test_a_frozen_text_encoder_is_where_its_settings_say():
    settings = configuration_file.shipped("lora")
    assert settings.text_encoder.device == "cpu"
    encoder = adapted.frozen_encoder(settings, "meta", ByteTextEncoder(8))
    weights = list(encoder.parameters())
    assert not any(each.is_meta or each.requires_grad for each in weights)


WRONG = {
    "no weights": ({"weights": "''"}, "a ControlNet is trained beside a network: name a published"),
    "nothing to follow": ({"data": "{sizes: []}"}, "expected what the ControlNet follows"),
    "more blocks": ({"control": "{blocks: 9}"}, "control.blocks: 9 blocks of a network that has 1"),
    "no such start": ({"control": "{start: absent}"}, "absent: no ControlNet for Qwen-Image"),
    "holes and edges": (
        {"data": "{conditions: {canny: 1, inpaint: 1}}"},
        "inpaint is of an image with a mask",
    ),
    "cached": ({"data": "{cache: here, conditions: {canny: 1}}"}, "data.cache: conditions are"),
    "reconstructions": (
        {"data": "{tasks: {i2i: 1}, conditions: {canny: 1}}"},
        "i2i has no condition",
    ),
    "a LoRA too": ({"control": "{}\nadapter: {rank: 2}"}, "are trained apart: leave one out"),
    "without control": ({"control": "null"}, "expected control: {} and weights"),
    "an unknown kind": ({"data": "{conditions: {cany: 1}}"}, "'canny'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_trained_is_said_in_a_sentence(case, tiny, undisturbed, tmp_path):
    changes, says = WRONG[case]
    config = written(tmp_path, undisturbed[0], **changes)
    said = train((*tiny[:2], config), tmp_path / "out", code=2).stderr
    assert says in said.splitlines()[-1]
    assert "Traceback" not in said
