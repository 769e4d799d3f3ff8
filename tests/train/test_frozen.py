"""Parts that are not trained: in evaluation mode for good, and saved by a link."""

import json
import os

import pytest
import torch
from making.qwen_parts import PROMPTS

from train.autoencoders.autoencoder import load_autoencoder
from train.autoencoders.qwen import QwenAutoencoder
from train.text_encoders.qwen import QwenTextEncoder
from train.text_encoders.text_encoder import load_text_encoder


def test_frozen_and_always_in_evaluation_mode(qwen_autoencoder, qwen_encoder):
    for part in (qwen_autoencoder, qwen_encoder):
        part.train()
        assert not any(module.training for module in part.modules())
        assert not any(weight.requires_grad for weight in part.parameters())
    assert not qwen_encoder.encode(["x"])[0][0].requires_grad


@pytest.mark.parametrize("from_disk", [True, False])
def test_saved_parts_load_again_and_are_not_copied(
    qwen_folder, qwen_autoencoder, qwen_encoder, tmp_path, from_disk
):
    if not from_disk:
        qwen_autoencoder = QwenAutoencoder(qwen_autoencoder.model)
        qwen_encoder = QwenTextEncoder(qwen_encoder.model, qwen_encoder.tokenizer)
    lines = {**qwen_autoencoder.save(tmp_path), **qwen_encoder.save(tmp_path)}
    index = json.loads((qwen_folder / "model_index.json").read_text())
    assert {name: list(line) for name, line in lines.items()} == {
        name: index[name] for name in ("vae", "text_encoder", "tokenizer")
    }
    weights = "text_encoder/model.safetensors"
    linked = os.path.samefile(qwen_folder / weights, tmp_path / weights)
    assert linked == from_disk
    pixels = torch.linspace(-1, 1, 3 * 16 * 16).reshape(1, 3, 16, 16)
    assert torch.equal(
        load_autoencoder(str(tmp_path)).encode(pixels), qwen_autoencoder.encode(pixels)
    )
    again = load_text_encoder(str(tmp_path)).encode(PROMPTS)
    for (mine,), (theirs,) in zip(again, qwen_encoder.encode(PROMPTS), strict=True):
        assert torch.equal(mine, theirs)
