"""The tiny random parts of Qwen-Image, made and loaded once for all files of tests."""

import numpy as np
import pytest
from making import tiny_qwen

PROMPTS = ["hello", "", '一行字 "你好，世界"', "braces {} {0} and <|im_end|> inside", "word " * 40]


@pytest.fixture(scope="session")
def qwen_folder(tmp_path_factory):
    return tiny_qwen.save_pipeline(tmp_path_factory.mktemp("qwen"))


@pytest.fixture(scope="session")
def qwen_pipeline(qwen_folder):
    from diffusers import QwenImagePipeline

    loaded = QwenImagePipeline.from_pretrained(qwen_folder)
    loaded.set_progress_bar_config(disable=True)
    return loaded


@pytest.fixture(scope="session")
def qwen_autoencoder(qwen_folder):
    from train.autoencoders.autoencoder import load_autoencoder

    return load_autoencoder(str(qwen_folder))


@pytest.fixture(scope="session")
def qwen_encoder(qwen_folder):
    from train.text_encoders.text_encoder import load_text_encoder

    return load_text_encoder(str(qwen_folder))


def pixels(width, height, seed=0):
    """(H, W, 3): noise, less of it than of colour."""
    random = np.random.default_rng((seed, width, height))
    ramp = np.linspace(0, 200, width * height * 3).reshape(height, width, 3)
    return (ramp + random.integers(0, 50, ramp.shape)).astype(np.uint8)


@pytest.fixture(scope="session")
def qwen_edit_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("qwen-edit")
    return tiny_qwen.save_edit_pipeline(folder, "QwenImageEditPlusPipeline")


@pytest.fixture(scope="session")
def qwen_edit_pipeline(qwen_edit_folder):
    from diffusers import QwenImageEditPlusPipeline

    loaded = QwenImageEditPlusPipeline.from_pretrained(qwen_edit_folder)
    loaded.set_progress_bar_config(disable=True)
    return loaded


@pytest.fixture(scope="session")
def qwen_edit_encoder(qwen_edit_folder):
    from train.text_encoders.text_encoder import load_text_encoder

    return load_text_encoder(str(qwen_edit_folder))
