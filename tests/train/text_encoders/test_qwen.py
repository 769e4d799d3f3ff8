"""The real text encoder agrees with diffusers' pipeline, on tiny random weights."""

import shutil

import pytest
import torch
from making import tiny_qwen
from making.qwen_parts import PROMPTS

from train.text_encoders.qwen import LONGEST, PREFIX_TOKENS, TEMPLATE, QwenTextEncoder
from train.text_encoders.text_encoder import load_text_encoder


def test_constants_are_those_of_the_pipeline(qwen_pipeline):
    assert qwen_pipeline.prompt_template_encode == TEMPLATE
    assert qwen_pipeline.prompt_template_encode_start_idx == PREFIX_TOKENS
    assert qwen_pipeline.tokenizer_max_length == LONGEST


def assert_same(features, expected, mask):
    """Each text's features are the rows of the pipeline's that its mask keeps."""
    if mask is None:  # the pipeline's way of saying: no padding
        mask = torch.ones(expected.shape[:2])
    for (text,), row, kept in zip(features, expected, mask.bool(), strict=True):
        assert torch.equal(text, row[kept])


@pytest.mark.parametrize("prompts", [[text] for text in PROMPTS] + [PROMPTS, ["ab " * 1500, "x"]])
def test_features_equal_the_pipelines(qwen_pipeline, qwen_encoder, prompts):
    expected, expected_mask = qwen_pipeline.encode_prompt(prompts, device=torch.device("cpu"))
    features = qwen_encoder.encode(prompts)
    assert_same(features, expected, expected_mask)
    assert features[0][0].shape[-1] == qwen_encoder.width == tiny_qwen.TEXT_WIDTH


def test_features_with_a_tokenizer_that_pads_on_the_left(tmp_path):
    from diffusers import QwenImagePipeline

    folder = tiny_qwen.save_pipeline(tmp_path, padding_side="left")
    pipeline = QwenImagePipeline.from_pretrained(folder)
    assert pipeline.tokenizer.padding_side == "left"
    expected, expected_mask = pipeline.encode_prompt(PROMPTS, device=torch.device("cpu"))
    assert_same(load_text_encoder(str(folder)).encode(PROMPTS), expected, expected_mask)


def test_features_do_not_depend_on_the_neighbours(qwen_encoder):
    for (together,), prompt in zip(qwen_encoder.encode(PROMPTS), PROMPTS, strict=True):
        assert torch.allclose(together, qwen_encoder.encode([prompt])[0][0], atol=1e-5)


def test_no_prompt_is_refused(qwen_encoder):
    with pytest.raises(ValueError, match="no prompts"):
        qwen_encoder.encode([])


def test_a_foreign_tokenizer_is_refused(qwen_folder, qwen_encoder):
    from transformers import Qwen2Tokenizer

    bytes_only = {token: index for token, index in tiny_qwen.vocabulary()[0].items() if index < 256}
    foreign = Qwen2Tokenizer(vocab=bytes_only, merges=[])
    with pytest.raises(ValueError, match=r"prefix is \d+ tokens long, expected 34"):
        QwenTextEncoder(qwen_encoder.model, foreign)


def test_a_missing_tokenizer_is_named(qwen_folder, tmp_path):
    shutil.copytree(qwen_folder / "text_encoder", tmp_path / "text_encoder")
    with pytest.raises(FileNotFoundError, match=r"tokenizer/tokenizer_config\.json"):
        load_text_encoder(str(tmp_path))


def test_the_layout_as_shipped_loads_and_is_kept(qwen_folder, qwen_encoder, tmp_path):
    """Weights in several files, and a tokenizer of vocab.json and merges.txt alone."""
    shipped, kept = tmp_path / "shipped", tmp_path / "kept"
    qwen_encoder.model.save_pretrained(shipped / "text_encoder", max_shard_size="100KB")
    assert len(list((shipped / "text_encoder").glob("*.safetensors"))) > 1
    shutil.copytree(qwen_folder / "tokenizer", shipped / "tokenizer")
    (shipped / "tokenizer" / "tokenizer.json").unlink()
    loaded = load_text_encoder(str(shipped))
    loaded.save(kept)
    for encoder in (loaded, load_text_encoder(str(kept))):
        for (mine,), (theirs,) in zip(
            encoder.encode(PROMPTS), qwen_encoder.encode(PROMPTS), strict=True
        ):
            assert torch.equal(mine, theirs)
