"""The engine: requests of any sizes together, of both published families."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from making import tiny_qwen
from making.qwen_21_parts import picture, qwen_21_folder, qwen_21_pipeline

from curation.failures.errors import UsageError
from infer import checkpoints
from infer.engine import precision
from infer.engine.conditions import Condition
from infer.engine.engine import Engine
from infer.engine.execution import Execution
from infer.engine.request import Request, Settings, batches
from infer.inputs import Inputs
from train.packing import patches

__all__ = ["qwen_21_folder", "qwen_21_pipeline"]
STEPS = 3


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return Engine.load(tiny_qwen.save_pipeline(tmp_path_factory.mktemp("qwen")), "cpu")


@pytest.fixture(scope="module")
def engine_21(qwen_21_folder):
    return Engine.load(qwen_21_folder, "cpu")


def request(prompt, seed, size=(64, 32), guidance=4.0, steps=STEPS, **options):
    return Request(prompt, seed, Settings(*size, steps, guidance, "blur"), **options)


MIXED = (
    request("hello", 1),
    request('一行字 "你好，世界"', 2, (32, 96), guidance=1.0),
    request("a third prompt, rather longer than the others", 3, (48, 48), guidance=2.5),
)


def test_images_of_a_mixed_batch_are_those_of_each_alone(engine):
    together = engine.latents(MIXED)
    for latents, asked in zip(together, MIXED, strict=True):
        (alone,) = engine.latents([asked])
        torch.testing.assert_close(latents, alone, rtol=1e-5, atol=1e-5)
    assert all(map(torch.equal, together, engine.latents(MIXED)))
    images = list(engine.generate(MIXED, at_once=3))
    assert [image.size for image in images] == [(64, 32), (32, 96), (48, 48)]
    for image, asked in zip(images, MIXED, strict=True):
        (alone,) = engine.generate([asked])
        assert np.abs(np.asarray(image).astype(int) - np.asarray(alone)).max() <= 1


def test_a_batch_has_as_many_steps_and_no_more_than_fit():
    steps = (2, 2, 2, 5, 2)
    listed = [request("x", seed, steps=of) for seed, of in enumerate(steps)]
    seeds = [[each.seed for each in batch] for batch in batches(listed, 2)]
    assert seeds == [[0, 1], [2], [3], [4]]
    assert list(batches([], 2)) == []


def test_every_step_is_told_and_may_end_the_batch(engine):
    seen = []
    list(engine.generate([MIXED[0]], watch=lambda done, of: seen.append((done, of))))
    assert seen == [(0, 3), (1, 3), (2, 3)]

    def cancelled(done, of):
        if done == 1:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        list(engine.generate([MIXED[0]], watch=cancelled))


@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_latents_of_2_1_are_those_of_its_pipeline(engine_21, qwen_21_pipeline, guidance, count):
    from diffusers.pipelines.qwenimage21.pipeline_qwenimage21 import calculate_dimensions

    images = [picture(50, 40), picture(40, 90, "RGBA")][:count]
    given = {"image": images, "output_resolution": 64} if images else {}
    expected = qwen_21_pipeline(
        prompt="hello",
        negative_prompt="blur" if guidance > 1 else None,
        true_cfg_scale=guidance,
        height=32,
        width=64,
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(3),
        output_type="latent",
        **given,
    ).images[0]
    processor, resized = qwen_21_pipeline.image_processor, []
    for image in images:
        width, height, _ = calculate_dimensions(64 * 64, image.width / image.height)
        resized.append(np.asarray(processor.resize(image.convert("RGBA"), height, width)))
    inputs = Inputs(tuple(resized), tuple(resized), (64, 32)) if resized else None
    (latents,) = engine_21.latents([request("hello", 3, guidance=guidance, inputs=inputs)])
    torch.testing.assert_close(latents.flatten(1).T, expected, rtol=1e-4, atol=1e-4)


def test_a_2_1_folder_is_asked_for_40_steps_without_guidance(qwen_21_folder):
    usual = checkpoints.defaults(qwen_21_folder)
    assert (usual.steps, usual.guidance) == (40, 1.0)


def test_what_cannot_be_generated_is_a_sentence(engine):
    with pytest.raises(UsageError, match="the nearest is 64x32"):
        list(engine.generate([request("x", 1, (65, 32))]))


@pytest.mark.parametrize(
    "chosen",
    [Execution(tables=True), Execution(offload=True), Execution(offload=True, tables=True)],
    ids=["tables", "offload", "both"],
)
def test_less_on_the_device_gives_the_same_bits(engine, chosen):
    changed = Engine.load(engine.folder, "cpu", chosen)
    assert bool(changed.tables) == bool(chosen.tables)
    unguided = request("hello", 1, guidance=1.0)
    for batch in ([unguided], [MIXED[1]]):  # noise levels that were not listed before
        assert torch.equal(changed.latents(batch)[0], engine.latents(batch)[0])
    together = zip(changed.latents(MIXED), engine.latents(MIXED), strict=True)
    for latents, expected in together:
        torch.testing.assert_close(latents, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("stays", [True, False])
def test_a_text_encoder_may_stay_where_it_is(engine, stays):
    chosen = Execution(offload=True, encode_on_cpu=stays)
    changed = replace(Engine.load(engine.folder, "cpu", chosen), device=torch.device("meta"))
    (text,) = changed._texts([("hello", request("hello", 1))]) if stays else ((),)
    assert {stretch.device.type for stretch in text} <= {"meta"}
    encoder = changed._encoder()
    assert {weight.device.type for weight in encoder.parameters()} == {"cpu" if stays else "meta"}


@pytest.mark.parametrize("name", ["bfloat16", "int8", "int4", "float8"])
def test_fewer_bits_take_less_and_give_nearly_the_same(engine, name):
    changed = Engine.load(engine.folder, "cpu", Execution(precision=name))
    sizes = [precision.bytes_of(each.transformer) for each in (changed, engine)]
    assert sizes[0] < 0.6 * sizes[1]
    (latents,), (expected,) = (each.latents([MIXED[0]]) for each in (changed, engine))
    error = (latents - expected).norm() / expected.norm()
    assert 0 < error < 0.2


@pytest.fixture(scope="module")
def controlnet(tmp_path_factory):
    """A ControlNet that changes a lot, as diffusers stores one."""
    from diffusers import QwenImageControlNetModel

    folder = tmp_path_factory.mktemp("controlnet")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = QwenImageControlNetModel(
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=tiny_qwen.TEXT_WIDTH,
            axes_dims_rope=(4, 6, 6),
        )
        for module in (network.controlnet_x_embedder, network.controlnet_blocks):
            for weight in module.parameters():
                torch.nn.init.normal_(weight, std=0.5)
    network.save_pretrained(folder)
    return folder


def test_a_condition_is_followed_as_in_the_pipeline_also_in_a_mixed_batch(engine, controlnet):
    from diffusers import QwenImageControlNetModel, QwenImageControlNetPipeline, QwenImagePipeline
    from PIL import Image

    plain = QwenImagePipeline.from_pretrained(engine.folder)
    network = QwenImageControlNetModel.from_pretrained(controlnet)
    pipeline = QwenImageControlNetPipeline(controlnet=network, **plain.components)
    pipeline.set_progress_bar_config(disable=True)
    pixels = np.asarray(picture(48, 32).convert("RGB"))
    (expected,) = pipeline(
        prompt="hello",
        negative_prompt="blur",
        true_cfg_scale=4.0,
        num_inference_steps=STEPS,
        width=48,
        height=32,
        control_image=Image.fromarray(pixels),
        controlnet_conditioning_scale=0.7,
        generator=torch.Generator().manual_seed(5),
        output_type="latent",
    ).images
    following = Engine.load(engine.folder, "cpu", Execution(controlnet=controlnet))
    condition = Condition(np.array(pixels), scale=0.7)
    asked = request("hello", 5, (48, 32), condition=condition)
    (latents,) = following.latents([asked])
    tokens = patches.pack(latents, engine.family.patch)
    torch.testing.assert_close(tokens, expected, rtol=1e-4, atol=1e-4)
    together = following.latents([MIXED[0], asked, MIXED[1]])
    torch.testing.assert_close(together[1], latents, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(together[0], engine.latents([MIXED[0]])[0], rtol=1e-5, atol=1e-5)
    for wrong, where in ((asked, engine), (replace(asked, condition=holed(pixels)), following)):
        with pytest.raises(UsageError, match="--control"):
            list(where.generate([wrong]))


def holed(pixels):
    return Condition(pixels, hole=np.ones(pixels.shape[:2], bool))


def test_2_1_has_no_table_to_look_up(engine_21):
    asked = [request("hello", 3)]
    changed = Engine.load(engine_21.folder, "cpu", Execution(tables=True))
    assert changed.tables is None
    assert torch.equal(changed.latents(asked)[0], engine_21.latents(asked)[0])
