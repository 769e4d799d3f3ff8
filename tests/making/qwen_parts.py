"""The tiny random parts of Qwen-Image, made and loaded once for all files of tests."""

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
