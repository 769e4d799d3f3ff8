"""Parts of models that several files of tests hold theirs against."""

from making.qwen_21_parts import (
    qwen_3_encoder,
    qwen_21_autoencoder,
    qwen_21_folder,
    qwen_21_pipeline,
)
from making.qwen_parts import (
    qwen_autoencoder,
    qwen_edit_encoder,
    qwen_edit_folder,
    qwen_edit_pipeline,
    qwen_encoder,
    qwen_folder,
    qwen_pipeline,
)

__all__ = [
    "qwen_3_encoder",
    "qwen_21_autoencoder",
    "qwen_21_folder",
    "qwen_21_pipeline",
    "qwen_autoencoder",
    "qwen_edit_encoder",
    "qwen_edit_folder",
    "qwen_edit_pipeline",
    "qwen_encoder",
    "qwen_folder",
    "qwen_pipeline",
]
