"""bfloat16 and few-step students beside diffusers' pipelines, on tiny checkpoints."""

import json
import math
import shutil

import pytest
import torch
from making import tiny_qwen
from making.qwen_21_parts import qwen_21_folder, qwen_21_pipeline

from infer.engine.engine import Engine
from infer.engine.request import Request, Settings
from train.packing import patches

__all__ = ["qwen_21_folder", "qwen_21_pipeline"]
SIZE, STEPS, SEEDS = (64, 32), 4, (1, 2, 3)
PROMPT = 'a sign "INK" 墨 above a door'
AS_FAR = 1.5  # from float32, times how far diffusers' own bfloat16 is


@pytest.fixture(scope="module")
def qwen_folder(tmp_path_factory):
    return tiny_qwen.save_pipeline(tmp_path_factory.mktemp("qwen"))


def theirs(pipeline, seed, steps, guidance):
    """The tokens (A, C) of the pipeline's latents, in float32."""
    pipeline.set_progress_bar_config(disable=True)
    (latents,) = pipeline(
        prompt=PROMPT,
        negative_prompt="blur",
        true_cfg_scale=guidance,
        num_inference_steps=steps,
        width=SIZE[0],
        height=SIZE[1],
        generator=torch.Generator().manual_seed(seed),
        output_type="latent",
    ).images
    return latents.float()


def ours(engine, seed, steps, guidance):
    """The same of the engine's."""
    settings = Settings(*SIZE, steps, guidance, "blur")
    (latents,) = engine.latents([Request(PROMPT, seed, settings)])
    return patches.pack(latents, engine.family.patch).float()


@pytest.mark.parametrize("family", ["qwen_image", "qwen_image_21"])
def test_bfloat16_is_no_further_from_float32_than_the_pipelines_is(family, request, tmp_path):
    from diffusers import DiffusionPipeline

    name = "qwen_folder" if family == "qwen_image" else "qwen_21_folder"
    folder = request.getfixturevalue(name)
    full = DiffusionPipeline.from_pretrained(folder)
    half = DiffusionPipeline.from_pretrained(folder).to(torch.bfloat16)
    half.save_pretrained(tmp_path)
    engine = Engine.load(tmp_path, "cpu")
    assert next(engine.transformer.parameters()).dtype == torch.bfloat16
    apart = {"ours": 0.0, "theirs": 0.0}
    for seed in SEEDS:
        exact = theirs(full, seed, STEPS, 4.0)
        for whose, made in (
            ("ours", ours(engine, seed, STEPS, 4.0)),
            ("theirs", theirs(half, seed, STEPS, 4.0)),
        ):
            apart[whose] += float((made - exact).square().mean())
    assert 0 < math.sqrt(apart["ours"]) <= AS_FAR * math.sqrt(apart["theirs"]), apart


LIGHTNING = {"base_shift": math.log(3), "max_shift": math.log(3), "shift_terminal": None}
FIXED = {"use_dynamic_shifting": False, "shift": 3.0, "shift_terminal": None}


@pytest.mark.parametrize("steps", [4, 8])
@pytest.mark.parametrize("changed", [LIGHTNING, FIXED], ids=["lightning", "fixed"])
def test_a_few_step_student_is_stepped_as_its_scheduler_says(qwen_folder, tmp_path, changed, steps):
    from diffusers import QwenImagePipeline

    folder = tmp_path / "student"
    shutil.copytree(qwen_folder, folder)
    path = folder / "scheduler" / "scheduler_config.json"
    usual = json.loads(path.read_text())
    path.write_text(json.dumps(usual | changed))
    pipeline, engine = QwenImagePipeline.from_pretrained(folder), Engine.load(folder, "cpu")
    made = ours(engine, 5, steps, 1.0)
    torch.testing.assert_close(made, theirs(pipeline, 5, steps, 1.0), rtol=1e-4, atol=1e-4)
    count = SIZE[0] * SIZE[1] // 16**2
    levels = torch.tensor(engine.flow.schedule(steps, count))
    assert levels[1] == pytest.approx(3 * (1 - 1 / steps) / (1 + 2 * (1 - 1 / steps)))
    torch.testing.assert_close(levels, pipeline.scheduler.sigmas, rtol=0, atol=1e-6)
    other = ours(Engine.load(qwen_folder, "cpu"), 5, steps, 1.0)
    assert not torch.allclose(made, other, rtol=1e-2, atol=1e-2)
