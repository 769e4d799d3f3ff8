"""Training an autoencoder by the command: what changes and what does not, exactly continued."""

import json
import sys
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from making import additions, tiny_autoencoders
from making import training_shards as shards
from making.commands import invoke
from making.training_runs import losses, tensors, train, train_killed
from PIL import Image
from safetensors.torch import load_file

from curation import shard
from curation.picture import likeness
from train import terms
from train.__main__ import app
from train.autoencoders.autoencoder import load_autoencoder
from train.data.examples import is_held_out, shown_text
from train.data.latents import row_bytes, rows_ahead
from train.objectives import reconstruction
from train.pixels import as_image, scaled
from train.terms.pixels import Pixels
from train.terms.term import BALANCE_FLOOR

pytestmark = pytest.mark.slow

DECODER = """
steps: 8
batch: 6
weights: {weights}
data: {data}
objective: {objective}
optimiser: {{kind: adamw, learning_rate: 2e-3, warmup: 2, decay: 0.3}}
evaluation: {{every: 4, images: 6, grid: 4, evaluators: [{evaluators}]}}
checkpoint: {{every: 3}}
log_every: 2
ema: {{decay: 0.8}}
"""
DATA = "{resolution: 0, tasks: {i2i: 1}, held_out: 0.2}"
OBJECTIVE = (
    "{name: reconstruction, terms: [pixels, {name: gradient, weight: [0.5, 0]}], crop: 16,"
    " pixels_at_once: 1024}"
)
BOTH = "{name: reconstruction, trained: both, terms: [pixels, kl, {name: shrinking, weight: 0.5}]}"
WEIGHTS = "vae/diffusion_pytorch_model.safetensors"


def written(place, weights, **changes):
    usual = {"data": DATA, "objective": OBJECTIVE, "evaluators": "reconstructions"}
    given = {"weights": weights} | usual | changes
    config = place / "decoder.yaml"
    config.write_text(DECODER.format(**given))
    return config


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """(folder, pattern) of shards."""
    folder = tmp_path_factory.mktemp("data")
    return folder, shards.write_all(folder)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_autoencoders.save(tmp_path_factory.mktemp("base"), "QwenImage")


@pytest.fixture(scope="module")
def decoder(data, base, tmp_path_factory):
    """What is run, and its output, undisturbed."""
    place = tmp_path_factory.mktemp("decoder")
    asked = (*data, written(place, base))
    result = train_preset(asked, place / "out")
    return asked, place / "out", result


def train_preset(asked, out, *arguments, **options):
    return train(asked, out, "--preset", "decoder", *arguments, **options)


def test_the_decoder_learns_and_the_encoder_keeps_every_bit(decoder, base):
    _, out, result = decoder
    assert "M parameters of an autoencoder (decoder), fp32" in result.stderr
    mine, before = (load_file(folder / WEIGHTS) for folder in (out / "checkpoint-8", base))
    assert mine.keys() == before.keys()
    changed = {name.split(".")[0] for name in mine if not torch.equal(mine[name], before[name])}
    assert changed == {"decoder", "post_quant_conv"}
    config = "vae/config.json"
    assert (out / "checkpoint-8" / config).read_bytes() == (base / config).read_bytes()
    judged = [json.loads(line) for line in (out / "evaluations.jsonl").open()]
    assert [each["step"] for each in judged] == [0, 4, 8]
    assert judged[2]["held_out_psnr"] > judged[0]["held_out_psnr"] + 0.5
    lines = [json.loads(line) for line in (out / "metrics.jsonl").open()]
    groups = lines[-1]["groups"]
    assert {"term/pixels", "term/gradient"} < groups.keys()
    assert lines[-1]["loss"] == pytest.approx(groups["term/pixels"][0], rel=1e-5)
    half = lines[0]["groups"]["term/pixels"][0] + 0.5 * lines[0]["groups"]["term/gradient"][0]
    assert lines[0]["loss"] == pytest.approx(half, rel=1e-5)


def test_its_figures_are_those_of_the_stored_autoencoder(decoder, tmp_path):
    """As diffusers reads it, by the pixels of the shards."""
    (folder, _, _), out, _ = decoder
    own = load_autoencoder(str(out / "checkpoint-8"))
    measured = []
    columns = ["image", "caption_recaption", "text_boxes"]
    for row in (
        row
        for path in sorted(folder.glob("part-*.parquet"))
        for batch in shard.read(str(path), columns)
        for row in batch.to_pylist()
    ):
        captions = row["caption_recaption"] or []
        if not captions or not is_held_out(
            shown_text(row["text_boxes"]) or captions[0]["text"], 0.2
        ):
            continue
        pixels = np.array(Image.open(BytesIO(row["image"]["bytes"])).convert("RGB"))
        height, width = (side // 4 * 4 for side in pixels.shape[:2])
        if not height * width:
            continue
        top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
        pixels = pixels[top : top + height, left : left + width]
        back = as_image(own.decode(own.encode(scaled(pixels)))[0])
        measured.append(likeness.psnr(np.asarray(back), pixels))
    result = json.loads((out / "result.json").read_text())
    assert result["held_out_psnr"] == pytest.approx(np.mean(measured), abs=0.01)
    sheet = Image.open(out / "samples/step-000008.png")
    assert min(sheet.size) > 32


def test_killed_it_ends_in_the_same_bytes(decoder, tmp_path):
    asked, out, _ = decoder
    again = tmp_path / "again"
    train_killed(asked, again, 5, "--preset", "decoder")
    assert "after step 3" in train_preset(asked, again).stderr
    names = ["metrics.jsonl", "samples/step-000008.png", f"checkpoint-8/{WEIGHTS}"]
    for name in [*names, "checkpoint-8/README.md", "checkpoint-8/model_index.json"]:
        assert (out / name).read_bytes() == (again / name).read_bytes(), name
    mine, other = tensors(out / "checkpoint-8"), tensors(again / "checkpoint-8")
    assert mine.keys() == other.keys()
    assert all(torch.equal(mine[name], other[name]) for name in mine)
    assert "nothing to do\n" in train_preset(asked, again).stderr
    said = train_preset(asked, again, "--steps", "12", code=2).stderr
    assert "was to take 8 steps, and weights of objective.terms move over all of them" in said


@pytest.fixture
def contributed(monkeypatch):
    """A term of a newcomer's as if it lay where terms lie."""
    monkeypatch.setattr(terms, "__path__", [*terms.__path__, *additions.__path__])
    yield
    sys.modules.pop("train.terms.shrinking", None)


def test_both_halves_are_trained_with_a_term_of_a_newcomer(contributed, data, tmp_path):
    start = tiny_autoencoders.save(tmp_path / "start", "QwenImage21")
    asked = (*data, written(tmp_path, start, objective=BOTH))
    out, again = tmp_path / "out", tmp_path / "again"
    train_preset(asked, out, "--steps", "4")
    mine, before = (load_file(folder / WEIGHTS) for folder in (out / "checkpoint-4", start))
    changed = {name.split(".")[0] for name in mine if not torch.equal(mine[name], before[name])}
    assert changed == {"decoder", "post_quant_conv", "encoder", "quant_conv"}
    stored = json.loads((out / "checkpoint-4/vae/config.json").read_text())
    assert stored["latents_mean"] != tiny_autoencoders.LATENTS["latents_mean"]
    state = tensors(out / "checkpoint-4/training_state")
    assert any("raw.term_shrinking.projection.weight" in name for name in state)
    train_killed(asked, again, 4, "--preset", "decoder", "--steps", "4")
    assert "after step 3" in train_preset(asked, again, "--steps", "4").stderr
    assert losses(out) == losses(again)
    assert (out / "checkpoint-4" / WEIGHTS).read_bytes() == (
        again / "checkpoint-4" / WEIGHTS
    ).read_bytes()


class Balanced(Pixels):
    balanced = True


def gradient(own, copies=1, weight=0.5, frozen=False):
    """At the anchor, and at a weight of the term's own, of the mean over samples: all others give 3
    at the anchor, the balanced term ``own``.
    """
    anchor = torch.ones((), requires_grad=not frozen)
    head, output = torch.ones((), requires_grad=True), torch.ones(copies, requires_grad=True)
    parts = SimpleNamespace(
        transformer=SimpleNamespace(
            network=SimpleNamespace(anchor=anchor),
            measures=(lambda _: 3 * anchor * output, lambda _: own * anchor * head.expand(copies)),
        ),
        configuration=SimpleNamespace(steps=10),
    )
    terms = (Pixels(), Balanced(weight=weight))
    objective = reconstruction.Reconstruction.model_construct(terms=terms, trained="both")
    total, _ = objective._summed(parts, SimpleNamespace(output=output), 1)
    total.mean().backward()
    return [None if each.grad is None else float(each.grad) for each in (anchor, head)]


def test_a_balanced_term_pulls_at_the_encoder_as_the_others_do():
    assert gradient(2.0) == pytest.approx([3 + 0.5 * 3, 0.5 * 3], rel=1e-3)
    assert gradient(-40.0) == pytest.approx([3 - 0.5 * 3, -0.5 * 3], rel=1e-3)
    small = 3 * 1e-4 / (1e-4 + BALANCE_FLOOR)
    assert gradient(1e-4) == pytest.approx([3 + 0.5 * small, 0.5 * small], rel=1e-3)
    assert gradient(1e-4, copies=8) == pytest.approx(gradient(1e-4), rel=1e-5)


def test_a_balanced_term_without_weight_or_encoder_is_left_alone():
    assert gradient(2.0, weight=0.0) == [3, None]
    assert gradient(2.0, frozen=True) == [None, pytest.approx(0.5 * 2)]


def test_latents_that_are_not_finite_leave_no_trace_in_their_statistics(base):
    network = load_autoencoder(str(base)).trainable(encoder=True)
    latents = torch.randn(2, network.channels, 3, 3, generator=torch.Generator().manual_seed(0))
    for step, shown in enumerate((latents * torch.nan, latents, latents * 1e30), 1):
        network.remember(shown, step)
    torch.testing.assert_close(network.latents_mean, latents.mean((0, 2, 3)))
    torch.testing.assert_close(network.latents_square, latents.square().mean((0, 2, 3)))


def test_images_that_are_kept_beside_their_latents_count_in_memory():
    index, factor_only = SimpleNamespace(sizes=[(64, 32)]), SimpleNamespace(channels=0, factor=8)
    bare, looked_at = (row_bytes(index, factor_only, looks) for looks in (False, True))
    assert looked_at[0] - bare[0] == torch.zeros(32, 64, 3, dtype=torch.uint8).nbytes
    memory = 2 * 10 * looked_at[0]
    assert rows_ahead(index, factor_only, 4, memory, looks=True) == 10


def test_a_plan_is_made_without_data_and_without_the_folder(base, tmp_path):
    config = written(tmp_path, base)
    own = planned("--config", str(config))
    network = load_autoencoder(str(base)).trainable(encoder=False)
    assert own["network"] == "AutoencoderKLQwenImage"
    assert own["trained"] == sum(weight.numel() for weight in network.parameters())
    assert own["samples"] == 8 * 6
    assert own["flops"] == 3 * network.flops(16, 16)
    assert own["portion"] == 4  # of 1024 pixels at once
    config.write_text("weights: not-here")
    published = planned("--config", str(config))
    assert published["published"]
    assert published["trained"] == 25_291_955
    said = invoke(app, ["--preset", "decoder", "--config", str(config), "--plan"])
    assert "25,291,955 of them trained" in said.stdout
    refused = invoke(app, ["--preset", "decoder", "--plan-on", "h100"])
    assert refused.exit_code == 2
    assert "an autoencoder is trained in fp32, and peaks are known in bf16" in refused.stderr


def planned(*arguments):
    result = invoke(app, ["--preset", "decoder", "--plan", "--json", *arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


WRONG = {
    "of captions": ({"data": "{tasks: {t2i: 1}}"}, "data.tasks: t2i: objective: reconstruction"),
    "in bf16": ({"more": "precision: bf16"}, "precision: bf16: an autoencoder is trained in fp32"),
    "by Muon": ({"more": "optimiser: {kind: muon}"}, "an autoencoder has convolutions: adamw"),
    "a LoRA": ({"more": "adapter: {}"}, "trains an autoencoder and no adapter"),
    "no folder": ({"weights": "absent"}, "autoencoder.path: no config.json in 'absent'"),
    "the small one": (
        {"weights": "''", "more": "autoencoder: {kind: patch_pca}"},
        "patch_pca is linear and fitted",
    ),
    "units": ({"data": "{tasks: {i2i: 1}, cache: x}"}, "data.cache: objective: reconstruction"),
    "an encoder's term": (
        {"objective": "{name: reconstruction, terms: [pixels, kl]}"},
        "kl is of an encoder that is trained: expected objective.trained: both",
    ),
    "twice": (
        {"objective": "{name: reconstruction, terms: [pixels, pixels]}"},
        "pixels stands there twice",
    ),
    "no such term": (
        {"objective": "{name: reconstruction, terms: [pixel]}"},
        "'pixel'",
    ),
    "no such layer": (
        {"objective": "{name: reconstruction, terms: [{name: lite0, layers: [99]}]}"},
        "lite0: layers [99]: expected numbers of blocks, 0 to 15",
    ),
    "of a crop below a cell": (
        {"objective": "{name: reconstruction, crop: 2, terms: [pixels]}"},
        "objective.crop: 2: a latent cell has 4 pixels on each side",
    ),
    "at too many scales": (
        {"objective": "{name: reconstruction, terms: [pixels, {name: gradient, scales: 12}]}"},
        "gradient needs 4096 pixels on each side, as it is set; the smallest image",
    ),
    "at too many scales of a crop": (
        {"objective": OBJECTIVE.replace("name: gradient", "name: gradient, scales: 5")},
        "gradient needs 32 pixels on each side, as it is set; the smallest image, as crop",
    ),
    "by nothing at its start": (
        {"objective": "{name: reconstruction, terms: [{name: pixels, weight: [0, 1]}]}"},
        "at step 1 there is no term with a weight above 0",
    ),
    "by what is balanced alone": (
        {"objective": "{name: reconstruction, trained: both, terms: [semantic_alignment]}"},
        "but those that are balanced against others: expected one, such as pixels",
    ),
    "judged by what generates": (
        {"evaluators": "held_out_strings"},
        "evaluation.evaluators: held_out_strings judges images that a network generates",
    ),
    "of sizes beside weights": (
        {"more": "autoencoder: {kind: residual, residual: {channels: 8}}"},
        "autoencoder.residual: sizes are those of the folder in weights: leave it out",
    ),
    "of a layer of a folder": (
        {"objective": BOTH.replace("shrinking", "semantic_alignment, encoder: x, layer: 4")},
        "layer: 4: it is of efficientnet_lite0",
    ),
    "recomputed": ({"more": "recompute: block"}, "lower objective.pixels_at_once"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_trained_is_said_in_a_sentence(case, data, base, tmp_path):
    changes, says = WRONG[case]
    changes = {"weights": base} | changes
    more = changes.pop("more", "")
    config = written(tmp_path, **changes)
    lines = config.read_text().splitlines()
    kept = [line for line in lines if line.split(":")[0] != more.split(":")[0]]
    config.write_text("\n".join([*kept, more]))
    said = train_preset((*data, config), tmp_path / "out", code=2).stderr
    assert says in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_generator_is_not_judged_by_reconstructions(data, tmp_path):
    wrong = shards.TINY.replace("grid: 4}", "grid: 4, evaluators: [reconstructions]}")
    (tmp_path / "wrong.yaml").write_text(wrong)
    said = train((*data, tmp_path / "wrong.yaml"), tmp_path / "out", code=2).stderr
    assert "are of objective: reconstruction alone" in said
