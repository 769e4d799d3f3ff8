"""The real autoencoder and text encoder agree with diffusers' pipeline, on tiny random weights."""

import json
import os
import shutil
from functools import partial

import pytest
import torch
from making import tiny_qwen

from train import flow, patches
from train.autoencoders.autoencoder import load_autoencoder
from train.autoencoders.qwen import QwenAutoencoder
from train.models.family import Condition
from train.models.qwen_image import QwenImage
from train.text_encoders.qwen import LONGEST, PREFIX_TOKENS, TEMPLATE, QwenTextEncoder
from train.text_encoders.text_encoder import load_text_encoder

PROMPTS = ["hello", "", '一行字 "你好，世界"', "braces {} {0} and <|im_end|> inside", "word " * 40]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_qwen.save_pipeline(tmp_path_factory.mktemp("qwen"))


@pytest.fixture(scope="module")
def pipeline(folder):
    from diffusers import QwenImagePipeline

    loaded = QwenImagePipeline.from_pretrained(folder)
    loaded.set_progress_bar_config(disable=True)
    return loaded


@pytest.fixture(scope="module")
def autoencoder(folder):
    return load_autoencoder(str(folder))


@pytest.fixture(scope="module")
def encoder(folder):
    return load_text_encoder(str(folder))


def test_constants_are_those_of_the_pipeline(pipeline):
    assert pipeline.prompt_template_encode == TEMPLATE
    assert pipeline.prompt_template_encode_start_idx == PREFIX_TOKENS
    assert pipeline.tokenizer_max_length == LONGEST


@pytest.mark.parametrize("prompts", [[text] for text in PROMPTS] + [PROMPTS, ["ab " * 1500, "x"]])
def test_features_equal_the_pipelines(pipeline, encoder, prompts):
    expected, expected_mask = pipeline.encode_prompt(prompts, device=torch.device("cpu"))
    features, mask = encoder.encode(prompts)
    if expected_mask is None:  # the pipeline's way of saying: no padding
        expected_mask = torch.ones(expected.shape[:2])
    assert torch.equal(mask, expected_mask.bool())
    assert torch.equal(features, expected)
    assert features.shape[-1] == encoder.width == tiny_qwen.TEXT_WIDTH


def test_features_with_a_tokenizer_that_pads_on_the_left(tmp_path):
    from diffusers import QwenImagePipeline

    folder = tiny_qwen.save_pipeline(tmp_path, padding_side="left")
    pipeline = QwenImagePipeline.from_pretrained(folder)
    assert pipeline.tokenizer.padding_side == "left"
    expected, expected_mask = pipeline.encode_prompt(PROMPTS, device=torch.device("cpu"))
    features, mask = load_text_encoder(str(folder)).encode(PROMPTS)
    assert torch.equal(features, expected)
    assert torch.equal(mask, expected_mask.bool())
    assert mask[:, 0].all()


def test_features_do_not_depend_on_the_neighbours(encoder):
    together, mask = encoder.encode(PROMPTS)
    for row, keep, prompt in zip(together, mask, PROMPTS, strict=True):
        alone, _ = encoder.encode([prompt])
        assert torch.allclose(row[keep], alone[0], atol=1e-5)
        assert not row[~keep].any()


def test_no_prompt_is_refused(encoder):
    with pytest.raises(ValueError, match="no prompts"):
        encoder.encode([])


def test_a_foreign_tokenizer_is_refused(folder, encoder):
    from transformers import Qwen2Tokenizer

    bytes_only = {token: index for token, index in tiny_qwen.vocabulary()[0].items() if index < 256}
    foreign = Qwen2Tokenizer(vocab=bytes_only, merges=[])
    with pytest.raises(ValueError, match=r"prefix is \d+ tokens long, expected 34"):
        QwenTextEncoder(encoder.model, foreign)


def test_a_missing_tokenizer_is_named(folder, tmp_path):
    shutil.copytree(folder / "text_encoder", tmp_path / "text_encoder")
    with pytest.raises(FileNotFoundError, match=r"tokenizer/tokenizer_config\.json"):
        load_text_encoder(str(tmp_path))


def test_latents_equal_the_pipelines_own(folder, autoencoder):
    from diffusers import QwenImageImg2ImgPipeline

    pipeline = QwenImageImg2ImgPipeline.from_pretrained(folder)
    pixels = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1
    five = pixels.unsqueeze(2)
    sampled = pipeline._encode_vae_image(five, torch.Generator().manual_seed(5))
    assert torch.equal(
        autoencoder.encode(pixels, torch.Generator().manual_seed(5)), sampled[:, :, 0]
    )
    latents = autoencoder.encode(pixels)
    assert latents.shape == (2, autoencoder.channels, 4, 6)
    assert torch.equal(latents, autoencoder.encode(pixels))
    # The mode is the centre of the samples, normalised like them.
    mean = pipeline.vae.encode(five).latent_dist.mode()[:, :, 0]
    statistics = pipeline.vae.config
    for channel, (centre, deviation) in enumerate(
        zip(statistics.latents_mean, statistics.latents_std, strict=True)
    ):
        expected = (mean[:, channel] - centre) / deviation
        assert torch.allclose(latents[:, channel], expected, atol=1e-6)


def test_decoding_equals_the_pipelines(pipeline, autoencoder):
    arguments = {"prompt": "hello", "num_inference_steps": 2, "height": 32, "width": 64}
    packed = pipeline(
        **arguments, generator=torch.Generator().manual_seed(3), output_type="latent"
    ).images
    image = pipeline(
        **arguments, generator=torch.Generator().manual_seed(3), output_type="pt"
    ).images
    pixels = autoencoder.decode(patches.unpack(packed, 2, 4, 8))
    assert pixels.shape == (1, 3, 32, 64)
    assert torch.equal((pixels / 2 + 0.5).clamp(0, 1), image)


def test_a_size_that_is_no_multiple_is_refused(autoencoder):
    with pytest.raises(ValueError, match="36x32 px is no multiple of 8"):
        autoencoder.encode(torch.zeros(1, 3, 32, 36))


def test_frozen_and_always_in_evaluation_mode(autoencoder, encoder):
    for part in (autoencoder, encoder):
        part.train()
        assert not any(module.training for module in part.modules())
        assert not any(weight.requires_grad for weight in part.parameters())
    assert not encoder.encode(["x"])[0].requires_grad


@pytest.mark.parametrize("from_disk", [True, False])
def test_saved_parts_load_again_and_are_not_copied(
    folder, autoencoder, encoder, tmp_path, from_disk
):
    if not from_disk:
        autoencoder = QwenAutoencoder(autoencoder.model)
        encoder = QwenTextEncoder(encoder.model, encoder.tokenizer)
    lines = {**autoencoder.save(tmp_path), **encoder.save(tmp_path)}
    index = json.loads((folder / "model_index.json").read_text())
    assert {name: list(line) for name, line in lines.items()} == {
        name: index[name] for name in ("vae", "text_encoder", "tokenizer")
    }
    weights = "text_encoder/model.safetensors"
    linked = os.path.samefile(folder / weights, tmp_path / weights)
    assert linked == from_disk
    pixels = torch.linspace(-1, 1, 3 * 16 * 16).reshape(1, 3, 16, 16)
    assert torch.equal(load_autoencoder(str(tmp_path)).encode(pixels), autoencoder.encode(pixels))
    again, _ = load_text_encoder(str(tmp_path)).encode(PROMPTS)
    assert torch.equal(again, encoder.encode(PROMPTS)[0])


def test_the_layout_as_shipped_loads_and_is_kept(folder, encoder, tmp_path):
    """Weights in several files, and a tokenizer of vocab.json and merges.txt alone."""
    shipped, kept = tmp_path / "shipped", tmp_path / "kept"
    encoder.model.save_pretrained(shipped / "text_encoder", max_shard_size="100KB")
    assert len(list((shipped / "text_encoder").glob("*.safetensors"))) > 1
    shutil.copytree(folder / "tokenizer", shipped / "tokenizer")
    (shipped / "tokenizer" / "tokenizer.json").unlink()
    loaded = load_text_encoder(str(shipped))
    loaded.save(kept)
    expected, _ = encoder.encode(PROMPTS)
    assert torch.equal(loaded.encode(PROMPTS)[0], expected)
    assert torch.equal(load_text_encoder(str(kept)).encode(PROMPTS)[0], expected)


@pytest.mark.parametrize(
    "case",
    [
        (2, 4.0, (32, 64), ["hello", "a much longer prompt 你好"]),
        (5, 1.0, (64, 32), ["hello"]),
        (7, 4.0, (48, 48), [""]),
        (3, 2.5, (32, 32), PROMPTS),
    ],
)
def test_our_sampler_draws_what_the_pipeline_draws(pipeline, encoder, case):
    steps, guidance, (height, width), prompts = case
    seeds = list(range(10, 10 + len(prompts)))
    expected = pipeline(
        prompts,
        negative_prompt=["blurred"] * len(prompts),
        true_cfg_scale=guidance,
        num_inference_steps=steps,
        height=height,
        width=width,
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        output_type="latent",
    ).images
    shape = (16, height // 8, width // 8)
    ours = flow.sample(
        partial(QwenImage().velocity, pipeline.transformer),
        shape,
        Condition(*encoder.encode(prompts)),
        negative=Condition(*encoder.encode(["blurred"])),
        patch=2,
        steps=steps,
        guidance=guidance,
        seeds=seeds,
    )
    unpacked = patches.unpack(expected, 2, *shape[1:])
    assert expected.isfinite().all()
    assert (ours - flow.noise_like(shape, seeds)).abs().max() > 0.1  # it did move
    assert torch.allclose(ours, unpacked, atol=2e-5, rtol=1e-5)
