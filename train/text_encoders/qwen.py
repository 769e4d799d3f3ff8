"""Qwen2.5-VL as the encoder of prompts and of images to be edited: what diffusers'
``QwenImagePipeline``, ``QwenImageEditPipeline`` and ``QwenImageEditPlusPipeline`` compute for
themselves.

It is ``transformers.Qwen2_5_VLForConditionalGeneration`` with its ``Qwen2Tokenizer`` and, where it
sees images, its ``Qwen2VLProcessor``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from train.frozen import Frozen, keep
from train.pixels import Images
from train.text_encoders import qwen_templates
from train.text_encoders.qwen_templates import EDIT_PREFIX_TOKENS, EDIT_TEMPLATE

# As in QwenImagePipeline. The first PREFIX_TOKENS tokens, the system prompt, are dropped.
TEMPLATE = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity,"
    " text, spatial relationships of the objects and background:<|im_end|>\n"
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
PREFIX_TOKENS = 34
LONGEST = 1024  # tokens kept after the prefix


class QwenTextEncoder(Frozen):
    """Qwen2.5-VL as a text encoder: last hidden state of the prompt inside a system template, that
    of ``edits`` where the prompt has images.

    D is the language model's width (3584 as shipped). ``folder`` as for ``QwenAutoencoder``;
    ``tokenizer_folder`` and ``processor_folder`` likewise. Without ``processor`` it sees nothing.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        folder: Path | None = None,
        tokenizer_folder: Path | None = None,
        processor: Any = None,
        processor_folder: Path | None = None,
    ) -> None:
        super().__init__(model)
        self.tokenizer, self.processor = tokenizer, processor
        self.folder, self.tokenizer_folder = folder, tokenizer_folder
        self.processor_folder = processor_folder
        self.edits = qwen_templates.EDIT_PLUS
        self.width = int(model.config.text_config.hidden_size)
        self.longest, self.sees_images, self.cut = LONGEST, processor is not None, 0
        lengths = {TEMPLATE: PREFIX_TOKENS, EDIT_TEMPLATE: EDIT_PREFIX_TOKENS}
        for template, expected in lengths.items():
            prefix = len(tokenizer(template.partition("{}")[0]).input_ids)
            if prefix != expected and (self.sees_images or template == TEMPLATE):
                raise ValueError(
                    f"{tokenizer_folder or 'tokenizer'}: the template's prefix is {prefix} tokens"
                    f" long, expected {expected}: this is not the tokenizer of Qwen2.5-VL"
                )

    @classmethod
    def load(cls, folder: Path, longest: int | None = None) -> "QwenTextEncoder":
        """Read a transformers folder; tokenizer and processor are ``../tokenizer`` and
        ``../processor`` or in the folder itself.

        ``longest`` is where prompts without images are cut, in tokens.
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
        processor_folder = qwen_templates.processor_folder(folder)
        processor = None
        if processor_folder:
            from transformers import Qwen2VLProcessor

            processor = Qwen2VLProcessor.from_pretrained(processor_folder, local_files_only=True)
        encoder = cls(model, tokenizer, folder, tokenizer_folder, processor, processor_folder)
        encoder.edits = qwen_templates.of_folder(folder.parent)
        encoder.longest = longest or LONGEST
        return encoder

    @torch.no_grad()
    def encode(
        self, prompts: Sequence[str], images: Sequence[Images] | None = None
    ) -> list[tuple[Tensor, ...]]:
        """Features of each prompt, (t, D) in the model's own precision, its ``images`` (H, W, 3)
        among them.

        A prompt without images longer than ``longest`` tokens is cut off. Raises ``ValueError`` for
        no prompt, images for another number of prompts, or a prompt that spells the place of one.
        """
        if not prompts:
            raise ValueError("no prompts to encode")
        images = images or [()] * len(prompts)
        if len(prompts) != len(images):
            raise ValueError(f"{len(prompts)} prompts with images for {len(images)}")
        shown = [self.sees_images and bool(own) for own in images]
        plain = [place for place, shows in enumerate(shown) if not shows]
        edits = [place for place, shows in enumerate(shown) if shows]
        features: dict[int, Tensor] = {}
        if plain:
            given = self._tokens([prompts[place] for place in plain])
            features |= zip(plain, self._states(given, PREFIX_TOKENS), strict=True)
        if edits:
            given = self._shown([prompts[place] for place in edits], [images[n] for n in edits])
            features |= zip(edits, self._states(given, EDIT_PREFIX_TOKENS), strict=True)
        return [(features[place],) for place in range(len(prompts))]

    def _tokens(self, prompts: Sequence[str]) -> Any:
        """What the model reads of prompts without images."""
        rows = self.tokenizer([TEMPLATE.format(prompt) for prompt in prompts]).input_ids
        most = self.longest + PREFIX_TOKENS
        self.cut += sum(len(row) > most for row in rows)
        cut = {"input_ids": [row[:most] for row in rows]}
        return self.tokenizer.pad(cut, padding=True, return_tensors="pt")

    def _shown(self, prompts: Sequence[str], images: Sequence[Images]) -> Any:
        """What the model reads of prompts with images."""
        pairs = zip(prompts, images, strict=True)
        given = self.processor(
            text=[self.edits.written(prompt, len(own)) for prompt, own in pairs],
            images=[self.edits.seen(each) for own in images for each in own],
            padding=True,
            return_tensors="pt",
        )
        # As the pipelines: without the types of tokens, transformers 5 counts positions in one
        # dimension, where transformers 4 had given image tokens theirs in three.
        given.pop("mm_token_type_ids", None)
        return given

    def _states(self, given: Any, dropped: int) -> list[Tensor]:
        """The last hidden states (t, D) of each prompt, without its first tokens."""
        given = given.to(self.place()[0])
        # The inner model: the pipelines also compute the logits of every token, in vain.
        states = self.model.model(**given, use_cache=False).last_hidden_state
        real = given["attention_mask"].bool()
        return [state[kept][dropped:] for state, kept in zip(states, real, strict=True)]

    def save(self, directory: Path) -> dict[str, tuple[str, str]]:
        """Write ``text_encoder/``, ``tokenizer/`` and, if there is one, ``processor/``; return
        their lines for the index.
        """
        keep(self.folder, directory / "text_encoder", self.model)
        keep(self.tokenizer_folder, directory / "tokenizer", self.tokenizer)
        lines = {
            "text_encoder": ("transformers", type(self.model).__name__),
            "tokenizer": ("transformers", type(self.tokenizer).__name__),
        }
        if self.processor:
            keep(self.processor_folder, directory / "processor", self.processor)
            lines["processor"] = ("transformers", type(self.processor).__name__)
        return lines
