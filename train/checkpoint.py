"""Checkpoints: a diffusers folder in safetensors, plus what an exact resume needs.

``OUT/checkpoint-<step>/`` holds ``model_index.json``, ``transformer/`` (EMA weights),
``scheduler/``, ``codec/`` or ``vae/``, ``text_encoder/`` (and ``tokenizer/``) and
``training_state/``; ``OUT/latest`` names the newest whole one.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.codec import Codec
from train.text_encoder import TextEncoder


@dataclass(frozen=True)
class Loaded:
    """A checkpoint ready to draw. ``configuration.flow.build()`` is the ``train.flow.Flow``."""

    transformer: Any
    codec: Codec
    text_encoder: TextEncoder
    configuration: Any


def load_for_inference(directory: str | Path, ema: bool = True) -> Loaded:
    """Load ``OUT`` (its latest checkpoint) or one checkpoint folder, in evaluation mode.

    ``ema`` False takes the raw weights out of ``training_state``. Raises ``FileNotFoundError``.
    """
    raise NotImplementedError
