"""Qwen2.5-VL as a text encoder: what ``diffusers.QwenImagePipeline`` computes for itself.

It is ``transformers.Qwen2_5_VLForConditionalGeneration`` with its ``Qwen2Tokenizer``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from train.frozen import Frozen, keep
from train.pixels import Images

# As in QwenImagePipeline. The first PREFIX_TOKENS tokens, the system prompt, are dropped.
TEMPLATE = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity,"
    " text, spatial relationships of the objects and background:<|im_end|>\n"
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
PREFIX_TOKENS = 34
LONGEST = 1024  # tokens kept after the prefix


class QwenTextEncoder(Frozen):
    """Qwen2.5-VL as a text encoder: last hidden state of the prompt inside the system template.

    D is the language model's width (3584 as shipped). ``folder`` as for ``QwenAutoencoder``;
    ``tokenizer_folder`` likewise.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        folder: Path | None = None,
        tokenizer_folder: Path | None = None,
    ) -> None:
        super().__init__(model)
        self.tokenizer = tokenizer
        self.folder, self.tokenizer_folder = folder, tokenizer_folder
        self.width = int(model.config.text_config.hidden_size)
        self.longest = LONGEST
        prefix = len(tokenizer(TEMPLATE.partition("{}")[0]).input_ids)
        if prefix != PREFIX_TOKENS:
            raise ValueError(
                f"{tokenizer_folder or 'tokenizer'}: the template's prefix is {prefix} tokens long,"
                f" expected {PREFIX_TOKENS}: this is not the tokenizer of Qwen2.5-VL"
            )

    @classmethod
    def load(cls, folder: Path, longest: int | None = None) -> "QwenTextEncoder":
        """Read a transformers folder; its tokenizer is ``../tokenizer`` or in the folder itself.

        ``longest`` is where prompts are cut, in tokens.
        """
        from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer

        beside = folder.parent / "tokenizer"
        tokenizer_folder = beside if beside.is_dir() else folder
        if not (tokenizer_folder / "tokenizer_config.json").is_file():
            raise FileNotFoundError(
                f"{folder}: no tokenizer; expected {beside}/tokenizer_config.json or one in here"
            )
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, local_files_only=True)
        tokenizer = Qwen2Tokenizer.from_pretrained(tokenizer_folder, local_files_only=True)
        encoder = cls(model, tokenizer, folder, tokenizer_folder)
        encoder.longest = longest or LONGEST
        return encoder

    @torch.no_grad()
    def encode(
        self, prompts: Sequence[str], images: Sequence[Images] | None = None
    ) -> list[tuple[Tensor, ...]]:
        """Features of each prompt, (t, D) in the model's own precision.

        A prompt longer than ``longest`` tokens is cut off. Raises ``ValueError`` for no prompt.
        """
        if not prompts:
            raise ValueError("no prompts to encode")
        tokens = self.tokenizer(
            [TEMPLATE.format(prompt) for prompt in prompts],
            max_length=self.longest + PREFIX_TOKENS,
            padding=True,
            truncation=True,
            return_tensors="pt",
        ).to(self.place()[0])
        # The inner model: QwenImagePipeline also computes the logits of every token, in vain.
        states = self.model.model(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask, use_cache=False
        ).last_hidden_state
        real = tokens.attention_mask.bool()
        return [(state[keep][PREFIX_TOKENS:],) for state, keep in zip(states, real, strict=True)]

    def save(self, directory: Path) -> dict[str, tuple[str, str]]:
        """Write ``text_encoder/`` and ``tokenizer/``; return their lines for the index."""
        keep(self.folder, directory / "text_encoder", self.model)
        keep(self.tokenizer_folder, directory / "tokenizer", self.tokenizer)
        return {
            "text_encoder": ("transformers", type(self.model).__name__),
            "tokenizer": ("transformers", type(self.tokenizer).__name__),
        }
