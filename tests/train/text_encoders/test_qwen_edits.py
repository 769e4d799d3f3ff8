"""What Qwen2.5-VL makes of images to be edited is what diffusers' edit pipelines do."""

import diffusers
import numpy as np
import pytest
import torch
from making import tiny_qwen
from making.qwen_parts import pixels
from PIL import Image

from train.text_encoders import qwen_templates
from train.text_encoders.qwen_templates import EDIT, EDIT_PLUS, EDIT_PREFIX_TOKENS, EDIT_TEMPLATE
from train.text_encoders.text_encoder import load_text_encoder, sees_images

PROMPTS = ["make it red", "", "把它改成“你好”", "braces {} {0} inside"]
SIZES = [(50, 40), (40, 90), (33, 31)]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The pipeline of the first edit models, in its folder."""
    folder = tmp_path_factory.mktemp("edit")
    return tiny_qwen.save_edit_pipeline(folder, EDIT.pipeline)


def test_constants_are_those_of_the_pipelines(qwen_edit_pipeline, original):
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as plus

    assert qwen_edit_pipeline.prompt_template_encode == EDIT_TEMPLATE
    assert qwen_edit_pipeline.prompt_template_encode_start_idx == EDIT_PREFIX_TOKENS
    assert EDIT_PLUS.side**2 == plus.CONDITION_IMAGE_SIZE
    theirs = diffusers.QwenImageEditPipeline.from_pretrained(original).prompt_template_encode
    assert theirs.format("a") == EDIT.written("a", 1)


@pytest.mark.parametrize("edits", [EDIT, EDIT_PLUS])
def test_sizes_are_those_of_the_pipelines(edits):
    from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import calculate_dimensions

    for width, height in [(64, 64), (50, 40), (333, 91), (20, 100), (1664, 928)]:
        seen = edits.seen(pixels(width, height)).size
        assert seen == calculate_dimensions(edits.side**2, width / height)


@pytest.mark.parametrize("count", [1, 2, 3])
@torch.no_grad()
def test_features_equal_those_of_edit_plus(qwen_edit_pipeline, qwen_edit_encoder, count):
    from diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus import (
        CONDITION_IMAGE_SIZE,
        calculate_dimensions,
    )

    images = [pixels(*size) for size in SIZES[:count]]
    seen = []
    for each in images:
        width, height = calculate_dimensions(CONDITION_IMAGE_SIZE, each.shape[1] / each.shape[0])
        resize = qwen_edit_pipeline.image_processor.resize
        seen.append(resize(Image.fromarray(each), height, width))
    expected, _ = qwen_edit_pipeline._get_qwen_prompt_embeds(PROMPTS[:1], seen)
    ((text,),) = qwen_edit_encoder.encode(PROMPTS[:1], [tuple(images)])
    assert len(text) > count * 100  # so many tokens are the images
    assert torch.equal(text, expected[0])


@torch.no_grad()
def test_features_equal_those_of_the_first_edit_models(original):
    pipeline = diffusers.QwenImageEditPipeline.from_pretrained(original)
    encoder = load_text_encoder(str(original))
    assert encoder.edits == EDIT
    encoder.edits = qwen_templates.Edits(EDIT.pipeline, "", 96)  # 1024 would take a while
    image = pixels(40, 90)
    seen = [encoder.edits.seen(image)]
    assert seen[0].size == (64, 128)
    expected, _ = pipeline._get_qwen_prompt_embeds(PROMPTS[0], seen)
    ((text,),) = encoder.encode(PROMPTS[:1], [(image,)])
    assert torch.equal(text, expected[0])


@torch.no_grad()
def test_a_batch_of_all_tasks_has_each_its_template(qwen_edit_encoder):
    images = [(), (pixels(40, 40), pixels(60, 30)), (), (pixels(30, 60),)]
    together = qwen_edit_encoder.encode(PROMPTS, images)
    for (text,), prompt, own in zip(together, PROMPTS, images, strict=True):
        ((alone,),) = qwen_edit_encoder.encode([prompt], [own])
        torch.testing.assert_close(text, alone, rtol=1e-4, atol=1e-4)
    plain = qwen_edit_encoder.encode(PROMPTS[:1])[0][0]
    assert len(plain) < len(together[1][0])


def test_what_is_cut_is_counted(qwen_edit_encoder, monkeypatch):
    monkeypatch.setattr(qwen_edit_encoder, "cut", 0)
    template = 5  # tokens behind the prompt
    longest = qwen_edit_encoder.encode(["a" * (1024 - template)])[0][0]
    assert (len(longest), qwen_edit_encoder.cut) == (1024, 0)
    assert len(qwen_edit_encoder.encode(["a" * 1020, "b"])[0][0]) == 1024
    assert qwen_edit_encoder.cut == 1


def test_bad_prompts_are_refused(qwen_edit_encoder):
    with pytest.raises(ValueError, match=r"spells <\|image_pad\|>"):
        qwen_edit_encoder.encode(["a <|image_pad|>"], [(pixels(32, 32),)])
    with pytest.raises(ValueError, match="2 prompts with images for 1"):
        qwen_edit_encoder.encode(["a", "b"], [()])


def test_what_is_kept_sees_the_same(qwen_edit_folder, qwen_edit_encoder, tmp_path):
    lines = qwen_edit_encoder.save(tmp_path)
    assert lines["processor"] == ("transformers", "Qwen2VLProcessor")
    kept = load_text_encoder(str(tmp_path))
    assert kept.sees_images
    images = [(np.array(pixels(40, 40)),)]
    ((mine,),), ((theirs,),) = (
        encoder.encode(PROMPTS[:1], images) for encoder in (kept, qwen_edit_encoder)
    )
    assert torch.equal(mine, theirs)


def test_who_sees_is_known_before_anything_is_loaded(qwen_folder, qwen_edit_folder):
    from train.configuration import TextEncoderConfiguration

    for folder, sees in ((qwen_folder, False), (qwen_edit_folder, True)):
        configuration = TextEncoderConfiguration(kind="qwen", path=str(folder))
        assert sees_images(configuration) == sees
        assert load_text_encoder(str(folder)).sees_images == sees
