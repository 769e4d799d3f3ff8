"""What turns prompts into features, and which of them a configuration or folder names.

Shapes: t tokens of one stretch of text, D feature width, H W pixels.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn

from train.configuration import TextEncoderConfiguration
from train.pixels import Images
from train.text_encoders.byte_text import ByteTextEncoder
from train.text_encoders.qwen_templates import processor_folder

_CONFIGURATION = "config.json"


class TextEncoder(Protocol):
    """A text encoder. ``width`` is D; ``sees_images`` says whether features depend on images, and
    ``cut`` counts the prompts so far that were too long for it.

    ``encode`` gives features of each prompt, (t, D) with t at least 1 also of the empty one; of a
    prompt with ``images`` (H, W, 3) what the encoder sees of these is among them. Where a family
    puts latents in the places of images, the features before, between and behind these places are
    apart: one stretch more than images, of which some may be empty.

    An encoder that is an ``nn.Module`` with parameters that require a gradient is trained with the
    model; any other is frozen and called without gradients. ``save`` writes the encoder's own
    folder(s) below ``directory``, the ROOT of a checkpoint, and returns its lines for
    ``model_index.json``: ``{"text_encoder": (library, class)}``, with a tokenizer also
    ``{"tokenizer": ...}``.
    """

    width: int
    cut: int

    @property
    def sees_images(self) -> bool: ...

    def encode(
        self, prompts: Sequence[str], images: Sequence[Images] | None = None
    ) -> list[tuple[Tensor, ...]]: ...

    def save(self, directory: Path) -> dict[str, tuple[str, str]]: ...


def build(configuration: TextEncoderConfiguration) -> TextEncoder:
    """The encoder; a learnt one with weights from torch's current random state."""
    if configuration.kind == "byte":
        return ByteTextEncoder(
            configuration.width,
            longest=configuration.longest,
            view=configuration.view,
            characters=configuration.characters,
        )
    return load_text_encoder(configuration.path, configuration.longest)


def place(encoder: object, configuration: TextEncoderConfiguration, device: str) -> None:
    """Put an encoder where it is to compute: one that is learnt on the ``device`` of the run."""
    if isinstance(encoder, nn.Module):
        learnt = any(each.requires_grad for each in encoder.parameters())
        encoder.to(device if learnt or configuration.device == "run" else configuration.device)


def sees_images(configuration: TextEncoderConfiguration) -> bool:
    """Whether the encoder will see images; nothing heavy is read. Raises ``FileNotFoundError``."""
    if configuration.kind == "byte":
        return bool(configuration.view)
    folder = _folder(configuration.path)
    content = json.loads((folder / _CONFIGURATION).read_text())
    return content.get("model_type") == "qwen3_vl" or bool(processor_folder(folder))


def load_text_encoder(directory: str, longest: int | None = None) -> TextEncoder:
    """The text encoder stored in a checkpoint's root, or in the encoder's own folder.

    ``longest`` is where a frozen one cuts prompts, in tokens; its own where not given.

    A folder of class ``ByteTextEncoder`` is ours; a transformers folder of Qwen2.5-VL (its
    ``tokenizer/`` beside it) is read by ``train.text_encoders.qwen``, one of Qwen3-VL (its
    ``processor/`` beside it) by ``qwen3``, which cuts nothing. Raises ``FileNotFoundError`` and,
    for another class, ``ValueError``.
    """
    folder = _folder(directory)
    path = folder / _CONFIGURATION
    content = json.loads(path.read_text())
    if content.get("_class_name") == "ByteTextEncoder":
        return ByteTextEncoder.from_pretrained(folder)
    if content.get("model_type") == "qwen2_5_vl":
        from train.text_encoders.qwen import QwenTextEncoder

        return QwenTextEncoder.load(folder, longest)
    if content.get("model_type") == "qwen3_vl":
        from train.text_encoders.qwen3 import Qwen3TextEncoder

        return Qwen3TextEncoder.load(folder)
    raise ValueError(f"{path}: expected class ByteTextEncoder or model type qwen2_5_vl or qwen3_vl")


def _folder(directory: str) -> Path:
    """The encoder's own folder. Raises ``FileNotFoundError``."""
    folder = Path(directory)
    if (folder / "text_encoder" / _CONFIGURATION).is_file():
        folder = folder / "text_encoder"
    if not (folder / _CONFIGURATION).is_file():
        raise FileNotFoundError(
            f"{directory}: no text encoder here; expected text_encoder/config.json"
        )
    return folder
