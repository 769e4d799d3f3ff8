"""Prompts and references are encoded as diffusers' pipeline of Qwen-Image-2.1 encodes them."""

import shutil
from itertools import zip_longest

import numpy as np
import pytest
import torch
from making.qwen_21_parts import picture

from train.text_encoders import qwen3
from train.text_encoders.text_encoder import load_text_encoder

PROMPTS = ["hello", "", '一行字 "你好，世界"', "braces {} {0} and <|im_end|> inside", "word " * 40]
IMAGES = [picture(64, 32), picture(32, 96), picture(64, 64, "RGBA")]


def pixels(images):
    return tuple(np.asarray(image) for image in images)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
@pytest.mark.parametrize("prompts", [PROMPTS, PROMPTS[:1]], ids=["together", "alone"])
def test_features_equal_the_pipelines(qwen_21_pipeline, qwen_3_encoder, prompts, count):
    images = IMAGES[:count]
    encoded = qwen_3_encoder.encode(prompts, [pixels(images)] * len(prompts))
    features, mask, slots = qwen_21_pipeline.encode_prompt(
        prompts, images or None, device=torch.device("cpu")
    )
    mask = torch.ones(features.shape[:2]) if mask is None else mask
    for ours, theirs, real, places in zip(encoded, features, mask.bool(), slots, strict=True):
        assert torch.equal(torch.cat(ours), theirs[real & ~places])
        assert len(ours) == count + 1
        # An image has a slot for each 32 x 32 px, behind the stretch before it.
        expected = []
        for stretch, image in zip_longest(ours, images):
            expected += [False] * len(stretch)
            expected += [True] * (image.width * image.height // 32**2 if image else 0)
        assert places[real].tolist() == expected


def test_prompts_with_their_own_images_are_encoded_together(qwen_3_encoder):
    """Which the pipeline cannot: there all prompts share their images."""
    images = [pixels(own) for own in (IMAGES[:1], [], IMAGES[1:], [], IMAGES[:2])]
    together = qwen_3_encoder.encode(PROMPTS, images)
    for ours, prompt, own in zip(together, PROMPTS, images, strict=True):
        (alone,) = qwen_3_encoder.encode([prompt], [own])
        assert len(ours) == len(own) + 1
        for stretch, expected in zip(ours, alone, strict=True):
            torch.testing.assert_close(stretch, expected, atol=1e-5, rtol=1e-5)


def test_features_are_from_before_the_norm_and_after_the_system_message(qwen_3_encoder):
    ((features,),) = qwen_3_encoder.encode(["hello"])
    text = qwen3.TEMPLATE.format(references="", prompt="hello")
    tokens = qwen_3_encoder.processor(text=[text], return_tensors="pt")
    model = qwen_3_encoder.model.model
    normed = model(**tokens).last_hidden_state[0]
    user = text.index("<|im_start|>user")
    dropped = len(qwen_3_encoder.processor.tokenizer(text[:user]).input_ids)
    assert features.shape == (len(normed) - dropped, qwen_3_encoder.width)
    torch.testing.assert_close(model.language_model.norm(features), normed[dropped:])
    assert not torch.allclose(features, normed[dropped:])


def test_template_is_that_of_the_pipeline(qwen_21_pipeline, qwen_3_encoder):
    assert qwen_21_pipeline.sys_prompt == qwen3.SYSTEM
    plain = qwen3.TEMPLATE.format(references="", prompt="{}")
    assert qwen_21_pipeline.prompt_template_t2i == plain
    assert qwen_21_pipeline._drop_idx == qwen_3_encoder.dropped


def test_saved_and_loaded_again_it_encodes_the_same(qwen_3_encoder, tmp_path):
    lines = qwen_3_encoder.save(tmp_path)
    assert lines == {
        "text_encoder": ("transformers", "Qwen3VLForConditionalGeneration"),
        "processor": ("transformers", "Qwen3VLProcessor"),
    }
    again = load_text_encoder(str(tmp_path))
    for (ours,), (theirs,) in zip(
        again.encode(PROMPTS), qwen_3_encoder.encode(PROMPTS), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_what_cannot_be_encoded_is_refused(qwen_3_encoder, qwen_21_folder, tmp_path):
    with pytest.raises(ValueError, match="0 prompts"):
        qwen_3_encoder.encode([])
    with pytest.raises(ValueError, match="2 prompts with images for 1"):
        qwen_3_encoder.encode(["a", "b"], [()])
    with pytest.raises(ValueError, match=r"spells <\|image_pad\|>"):
        qwen_3_encoder.encode(["an <|image_pad|> of mine"])
    shutil.copytree(qwen_21_folder / "text_encoder", tmp_path / "text_encoder")
    with pytest.raises(FileNotFoundError, match=r"processor/tokenizer_config\.json"):
        load_text_encoder(str(tmp_path))
