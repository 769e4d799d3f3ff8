"""Qwen3-VL as the encoder of prompts and reference images of Qwen-Image-2.1: what
``diffusers.QwenImage21Pipeline`` computes for itself.

It is ``transformers.Qwen3VLForConditionalGeneration`` with its ``Qwen3VLProcessor``.

Shapes: t tokens of a prompt, D feature width.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from train.frozen import Frozen, keep
from train.pixels import Images

# As in QwenImage21Pipeline. The system message is dropped, the header of the user's turn stays.
SYSTEM = "Comprehend and analyze the provided prompt."
SLOT = "<|image_pad|>"
TEMPLATE = (
    f"<|im_start|>system\n{SYSTEM}<|im_end|>\n"
    "<|im_start|>user\n{references}{prompt}<|im_end|>\n<|im_start|>assistant\n"
)
_REFERENCE = "<image{number}><|vision_start|>" + SLOT + "<|vision_end|>"


class Qwen3TextEncoder(Frozen):
    """Features are what the last layer gives, before the final norm.

    D is the language model's width (4096 as shipped). ``folder`` and ``processor_folder`` are where
    the parts came from, if from disk; ``save`` then links them.
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        folder: Path | None = None,
        processor_folder: Path | None = None,
    ) -> None:
        super().__init__(model)
        self.processor = processor
        self.folder, self.processor_folder = folder, processor_folder
        self.width = int(model.config.text_config.hidden_size)
        message = [{"role": "system", "content": [{"type": "text", "text": SYSTEM}]}]
        tokens = processor.apply_chat_template(message, tokenize=True, return_dict=False)
        self.dropped = len(tokens[0])
        self.sees_images, self.cut = True, 0  # it cuts nothing
        self.slot = int(processor.tokenizer.convert_tokens_to_ids(SLOT))

    @classmethod
    def load(cls, folder: Path) -> "Qwen3TextEncoder":
        """Read a transformers folder; its processor is ``../processor`` or in the folder itself."""
        from transformers import Qwen3VLForConditionalGeneration, Qwen3VLProcessor

        beside = folder.parent / "processor"
        processor_folder = beside if beside.is_dir() else folder
        if not (processor_folder / "tokenizer_config.json").is_file():
            raise FileNotFoundError(
                f"{folder}: no processor; expected {beside}/tokenizer_config.json or one in here"
            )
        model = Qwen3VLForConditionalGeneration.from_pretrained(folder, local_files_only=True)
        processor = Qwen3VLProcessor.from_pretrained(processor_folder, local_files_only=True)
        return cls(model, processor, folder, processor_folder)

    @torch.no_grad()
    def encode(
        self, prompts: Sequence[str], images: Sequence[Images] | None = None
    ) -> list[tuple[Tensor, ...]]:
        """Features (t, D), in the model's own precision, before, between and behind the images of
        each prompt, which are references of (H, W, 3), or of (H, W, 4) with alpha, and best of
        sides that are multiples of 32 px: others are scaled to such.

        An empty prompt is encoded as a space. Raises ``ValueError`` for no prompt, images for
        another number of prompts, or a prompt that spells the place of one.
        """
        images = images or [()] * len(prompts)
        if not prompts or len(prompts) != len(images):
            raise ValueError(f"{len(prompts)} prompts with images for {len(images)}")
        # Padded on the left, as the pipeline does: in rounding features depend on it.
        inputs = self.processor(
            text=[_written(each, len(own)) for each, own in zip(prompts, images, strict=True)],
            images=[_over_white(image) for own in images for image in own] or None,
            padding=True,
            padding_side="left",
            return_tensors="pt",
        ).to(self.place()[0])
        with self._without_last_norm():
            # The inner model: the pipeline also computes the logits of every token, in vain.
            states = self.model.model(**inputs, use_cache=False).last_hidden_state
        rows = zip(states, inputs.input_ids, inputs.attention_mask.bool(), strict=True)
        return [
            _stretches(state[real][self.dropped :], (ids[real] == self.slot)[self.dropped :])
            for state, ids, real in rows
        ]

    def save(self, directory: Path) -> dict[str, tuple[str, str]]:
        """Write ``text_encoder/`` and ``processor/``; return their lines for the index."""
        keep(self.folder, directory / "text_encoder", self.model)
        keep(self.processor_folder, directory / "processor", self.processor)
        return {
            "text_encoder": ("transformers", type(self.model).__name__),
            "processor": ("transformers", type(self.processor).__name__),
        }

    @contextmanager
    def _without_last_norm(self) -> Iterator[None]:
        """Within, the final norm gives back what it is given."""
        norm = self.model.model.language_model.norm
        handle = norm.register_forward_hook(lambda module, inputs, output: inputs[0])
        try:
            yield
        finally:
            handle.remove()


def _written(prompt: str, references: int) -> str:
    """The text that the model reads, with a slot for each of the references."""
    if SLOT in prompt:
        raise ValueError(f"a prompt spells {SLOT}, which stands for an image: {prompt[:80]!r}")
    slots = " ".join(_REFERENCE.format(number=number) for number in range(1, references + 1))
    return TEMPLATE.format(references=slots, prompt=prompt or " ")


def _over_white(pixels: NDArray[np.uint8]) -> Image.Image:
    """Without alpha: the autoencoder sees it, this model does not."""
    image = Image.fromarray(pixels)
    if image.mode != "RGBA":
        return image.convert("RGB")
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image.getchannel("A"))
    return page


def _stretches(features: Tensor, slots: Tensor) -> tuple[Tensor, ...]:
    """``features`` (t, D) apart at ``slots`` (t,), the runs of which are one image each."""
    starts = slots & ~slots.roll(1)  # the first token is none
    number = starts.cumsum(0)
    count = int(starts.sum())
    return tuple(features[(number == place) & ~slots] for place in range(count + 1))
