"""What Qwen2.5-VL is told and shown of images to be edited, as each of diffusers' pipelines has it.

An edit is read in another system prompt than a prompt without images.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.picture import sizes

_PROCESSORS = ("processor_config.json", "preprocessor_config.json")  # of transformers 5, and before
SLOT = "<|image_pad|>"
_UNIT = 32  # pixels: sides of what is seen are multiples
SEEN = f"<|vision_start|>{SLOT}<|vision_end|>"  # an image
EDIT_TEMPLATE = (
    "<|im_start|>system\nDescribe the key features of the input image (color, shape, size, texture,"
    " objects, background), then explain how the user's text instruction should alter or modify the"
    " image. Generate a new image that meets the user's requirements while maintaining consistency"
    " with the original input where appropriate.<|im_end|>\n"
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
EDIT_PREFIX_TOKENS = 64


@dataclass(frozen=True)
class Edits:
    """How the edit models of a ``pipeline`` of diffusers see images: each about ``side`` pixels
    squared, behind ``label``.
    """

    pipeline: str
    label: str
    side: int

    def written(self, prompt: str, images: int) -> str:
        """The whole text, with a slot for each image. Raises ``ValueError`` for a prompt that
        spells one.
        """
        if SLOT in prompt:
            raise ValueError(f"a prompt spells {SLOT}, which stands for an image: {prompt[:80]!r}")
        labels = "".join(self.label.format(number) + SEEN for number in range(1, images + 1))
        return EDIT_TEMPLATE.format(labels + prompt)

    def seen(self, pixels: NDArray[np.uint8]) -> Image.Image:
        """An image (H, W, 3) at the size in which it is seen."""
        height, width = pixels.shape[:2]
        size = sizes.of_ratio(self.side, width / height, _UNIT)
        return Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)


EDIT = Edits("QwenImageEditPipeline", "", 1024)
EDIT_PLUS = Edits("QwenImageEditPlusPipeline", "Picture {}: ", 384)  # 2509 and 2511


def of_folder(folder: Path) -> Edits:
    """How the model of a pipeline's ``folder`` was taught; as the later ones where nobody says."""
    index = folder / "model_index.json"
    named = json.loads(index.read_text("utf-8")).get("_class_name") if index.is_file() else None
    return EDIT if named == EDIT.pipeline else EDIT_PLUS


def processor_folder(folder: Path) -> Path | None:
    """Where the processor of the text encoder in ``folder`` is, if it has one."""
    places = (folder.parent / "processor", folder)
    return next((at for at in places if any((at / name).is_file() for name in _PROCESSORS)), None)
