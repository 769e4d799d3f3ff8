"""The tiny random parts of Qwen-Image-2.1, made and loaded once for all files of tests."""

import numpy as np
import pytest
from making import tiny_qwen_21
from PIL import Image


def picture(width, height, mode="RGB"):
    """An image of random pixels."""
    random = np.random.default_rng(width * 1000 + height)
    return Image.fromarray(random.integers(0, 256, (height, width, len(mode)), np.uint8), mode)


@pytest.fixture(scope="session")
def qwen_21_folder(tmp_path_factory):
    return tiny_qwen_21.save_pipeline(tmp_path_factory.mktemp("qwen-21"))


@pytest.fixture(scope="session")
def qwen_21_pipeline(qwen_21_folder):
    from diffusers import QwenImage21Pipeline

    loaded = QwenImage21Pipeline.from_pretrained(qwen_21_folder)
    loaded.set_progress_bar_config(disable=True)
    return loaded


@pytest.fixture(scope="session")
def qwen_21_autoencoder(qwen_21_folder):
    from train.autoencoders.autoencoder import load_autoencoder

    return load_autoencoder(str(qwen_21_folder))


@pytest.fixture(scope="session")
def qwen_3_encoder(qwen_21_folder):
    from train.text_encoders.qwen3 import Qwen3TextEncoder

    return Qwen3TextEncoder.load(qwen_21_folder / "text_encoder")
