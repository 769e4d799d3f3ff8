"""REPA: tokens of a block are drawn towards what a frozen encoder sees, in phases that say so."""

import pytest
import torch
from making.training_runs import losses, tensors, train

from curation.failures.errors import UsageError
from train import alignment, checkpoint_state, phases
from train.alignment import Alignment
from train.configuration import AlignmentConfiguration, Configuration
from train.models.qwen_image import QwenImage
from train.models.qwen_image_21 import QwenImage21
from train.packing.layout import Layout


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """The folder of a vision transformer with random weights."""
    from transformers import Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "patch_size": 4}
    folder = tmp_path_factory.mktemp("vision")
    Dinov2Model(Dinov2Config(image_size=16, **size)).save_pretrained(folder)
    return folder


class Pixels:
    """Latents that are pixels."""

    channels, factor = 3, 1

    def decode(self, latents):
        return latents


def test_features_are_the_patch_tokens_of_the_encoder_where_they_are(encoder):
    seen = alignment.features(AlignmentConfiguration(encoder=str(encoder)), "cpu")
    assert seen.width == 16
    image = torch.zeros(1, 3, 12, 20)
    dotted = image.clone()
    dotted[:, :, 4:8, 16:20] = 1  # the patch of row 1, column 4
    maps = seen(image)
    assert maps.shape == (1, 16, 3, 5)
    change = (seen(dotted) - maps).norm(dim=1)[0]
    assert change.argmax() == 1 * 5 + 4


def test_the_loss_is_one_minus_the_cosine_of_each_sample(encoder):
    settings = AlignmentConfiguration(encoder=str(encoder), weight=0.5)
    seen = alignment.features(settings, "cpu")
    aligned = Alignment(settings, seen, torch.nn.Identity(), Pixels())
    random = torch.Generator().manual_seed(1)
    latents = [torch.rand(3, 8, 16, generator=random), torch.rand(3, 4, 4, generator=random)]
    wanted = [seen(each[None])[0].flatten(1).mT for each in latents]
    own = torch.cat([3 * wanted[0], -wanted[1]])
    assert torch.allclose(aligned.losses(own, latents, 4), torch.tensor([0.0, 1.0]), atol=1e-5)


@pytest.mark.parametrize("kind", [QwenImage, QwenImage21])
def test_target_tokens_are_taken_from_what_a_block_gives(kind):
    family = kind(layers=2, heads=1, head_width=16, rope_axes=(4, 6, 6))
    samples = (family.sample([2, 1], (2, 2), [(1, 3)]), family.sample([4], (1, 2), []))
    layout = Layout(samples)
    image = torch.arange(layout.tokens - sum(layout.text_lengths))[:, None]
    targets = image[torch.from_numpy(layout.target_places)]
    output = (torch.zeros(7, 1), image)
    if kind is QwenImage21:
        output = torch.full((layout.tokens, 1), -1)
        output[torch.from_numpy(layout.image_places)] = image
    assert torch.equal(family.of_targets(output, layout), targets)


@pytest.fixture
def aligned(tiny, encoder, tmp_path):
    """The tiny run with REPA in its first two steps, and a checkpoint after each."""
    folder, pattern, config = tiny
    text = config.read_text().replace("{every: 7}", "{every: 1, keep: 9}")
    path = tmp_path / "repa.yaml"
    path.write_text(
        f"{text}repa: {{encoder: {encoder}, block: 1}}\nphases: [{{steps: 2, repa: true}}, {{}}]\n"
    )
    return folder, pattern, path


def test_it_is_switched_by_phase_and_goes_on_in_the_same_bits(aligned, tiny, tmp_path):
    out, parts, plain = (tmp_path / name for name in ("out", "parts", "plain"))
    train(aligned, out, steps=4)
    train(tiny, plain, steps=4)
    assert losses(out)[0] > losses(plain)[0] + 0.1  # by half of one minus a cosine near 0
    assert losses(out)[2] < losses(out)[1] - 0.1
    first, second, third = (
        checkpoint_state.read(out / f"checkpoint-{step}" / "training_state", "raw.alignment.")
        for step in (1, 2, 3)
    )
    assert not torch.equal(first["0.weight"], second["0.weight"])
    assert torch.equal(second["0.weight"], third["0.weight"])
    stored = tensors(out / "checkpoint-1")
    assert not any("alignment" in key for key in stored if "training_state" not in key)
    for steps in (3, 4):
        train(aligned, parts, steps=steps)
    wanted, again = tensors(out / "checkpoint-4"), tensors(parts / "checkpoint-4")
    assert all(torch.equal(wanted[key], again[key]) for key in wanted)
    assert losses(out) == losses(parts)


def test_the_features_that_a_package_ships_tell_images_apart():
    pytest.importorskip("efficientnet_lite_pytorch")
    seen = alignment.features(AlignmentConfiguration(), "cpu")
    maps = seen(torch.stack([torch.zeros(3, 64, 96), torch.eye(96)[:64].expand(3, 64, 96)]))
    assert maps.shape == (2, seen.width, 2, 3)
    assert (maps[0] - maps[1]).abs().mean() > 0.01


def test_what_cannot_be_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"repa.encoder: no config.json in .*, or efficientnet_l"):
        alignment.features(AlignmentConfiguration(encoder=str(tmp_path)), "cpu")
    size = {"name": "qwen_image", "layers": 12, "heads": 1, "head_width": 16}
    given = {"preset": "x", "model": size | {"rope_axes": (4, 6, 6)}}
    for changes, message in (
        (
            {"phases": [{"repa": True}], "repa": {"block": 13}},
            "repa.block is 13; model qwen_image has",
        ),
        ({"phases": [{"repa": True, "tread": 0.5}]}, "with tread not all tokens are in block 8"),
    ):
        with pytest.raises(UsageError, match=message):
            phases.of_run(Configuration.model_validate(given | changes), "x")
