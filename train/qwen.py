"""The real Qwen-Image parts behind our two interfaces: image autoencoder and text encoder.

``QwenAutoencoder`` is ``diffusers.AutoencoderKLQwenImage``, ``QwenTextEncoder`` is
``transformers.Qwen2_5_VLForConditionalGeneration`` with its ``Qwen2Tokenizer``. Both are frozen and
stay in evaluation mode; both give what ``diffusers.QwenImagePipeline`` computes for itself.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

# As in QwenImagePipeline. The first PREFIX_TOKENS tokens, the system prompt, are dropped.
TEMPLATE = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity,"
    " text, spatial relationships of the objects and background:<|im_end|>\n"
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
PREFIX_TOKENS = 34
LONGEST = 1024  # tokens kept after the prefix


class _Frozen(nn.Module):
    """A module without gradients that no call to ``train()`` takes out of evaluation mode."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        return super().train(False)

    def _place(self) -> tuple[torch.device, torch.dtype]:
        weight: Tensor = next(self.model.parameters())
        return weight.device, weight.dtype


class QwenAutoencoder(_Frozen):
    """The Qwen-Image autoencoder: 16 channels, factor 8 (as configured in its folder).

    Latents are (x - mean) / std by the statistics in the autoencoder's configuration, per channel.
    ``folder`` is where the weights came from, if from disk; ``save`` then links them.
    """

    mean: Tensor
    inverse_standard_deviation: Tensor

    def __init__(self, model: Any, folder: Path | None = None) -> None:
        super().__init__(model)
        self.folder = folder
        self.channels = int(model.config.z_dim)
        self.factor = 2 ** len(model.config.temperal_downsample)
        # The reciprocal and not the deviation, so that rounding is that of QwenImagePipeline.
        for name, values in (
            ("mean", torch.tensor(model.config.latents_mean)),
            ("inverse_standard_deviation", 1.0 / torch.tensor(model.config.latents_std)),
        ):
            self.register_buffer(name, values.view(1, -1, 1, 1), persistent=False)

    @classmethod
    def load(cls, folder: Path) -> "QwenAutoencoder":
        """Read a folder of ``AutoencoderKLQwenImage.save_pretrained``."""
        from diffusers import AutoencoderKLQwenImage

        return cls(AutoencoderKLQwenImage.from_pretrained(folder, local_files_only=True), folder)

    @torch.no_grad()
    def encode(self, pixels: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> (B, C, H/f, W/f), normalised.

        The mode of the posterior, so that an image always has the same latents; with a
        ``generator`` a sample of it instead. Raises ``ValueError`` for a size that is no multiple
        of the factor (the autoencoder would crop it in silence).
        """
        height, width = pixels.shape[-2:]
        if height % self.factor or width % self.factor:
            raise ValueError(f"an image of {width}x{height} px is no multiple of {self.factor} px")
        frames = pixels.to(*self._place()).unsqueeze(2)  # (B, 3, 1, H, W)
        posterior = self.model.encode(frames).latent_dist
        raw = (posterior.mode() if generator is None else posterior.sample(generator)).squeeze(2)
        latents: Tensor = (raw - self.mean.to(raw)) * self.inverse_standard_deviation.to(raw)
        return latents

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """(B, C, h, w) normalised -> (B, 3, hf, wf) clipped to [-1, 1]."""
        latents = latents.to(*self._place())
        raw = latents / self.inverse_standard_deviation.to(latents) + self.mean.to(latents)
        pixels: Tensor = self.model.decode(raw.unsqueeze(2), return_dict=False)[0][:, :, 0]
        return pixels

    def save(self, directory: Path) -> dict[str, tuple[str, str]]:
        """Write ``directory/vae`` and return its line for ``model_index.json``."""
        _keep(self.folder, directory / "vae", self.model)
        return {"vae": ("diffusers", type(self.model).__name__)}


class QwenTextEncoder(_Frozen):
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
    def encode(self, prompts: list[str]) -> tuple[Tensor, Tensor]:
        """Features (B, T, D) in the model's own precision and mask (B, T) bool.

        A prompt longer than ``longest`` tokens is cut off. Padding is on the right and zero,
        whichever side the tokenizer pads on. Raises ``ValueError`` for no prompt.
        """
        if not prompts:
            raise ValueError("no prompts to encode")
        tokens = self.tokenizer(
            [TEMPLATE.format(prompt) for prompt in prompts],
            max_length=self.longest + PREFIX_TOKENS,
            padding=True,
            truncation=True,
            return_tensors="pt",
        ).to(self._place()[0])
        # The inner model: QwenImagePipeline also computes the logits of every token, in vain.
        states = self.model.model(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask, use_cache=False
        ).last_hidden_state
        real = tokens.attention_mask.bool()
        rows = [state[keep][PREFIX_TOKENS:] for state, keep in zip(states, real, strict=True)]
        features = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        counts = torch.tensor([len(row) for row in rows], device=features.device)
        return features, torch.arange(features.shape[1], device=features.device) < counts[:, None]

    def save(self, directory: Path) -> dict[str, tuple[str, str]]:
        """Write ``text_encoder/`` and ``tokenizer/``; return their lines for the index."""
        _keep(self.folder, directory / "text_encoder", self.model)
        _keep(self.tokenizer_folder, directory / "tokenizer", self.tokenizer)
        return {
            "text_encoder": ("transformers", type(self.model).__name__),
            "tokenizer": ("transformers", type(self.tokenizer).__name__),
        }


def _keep(source: Path | None, target: Path, part: Any) -> None:
    """Save a frozen part: hard links to the files it came from, where the disk allows, else bytes.

    The shipped text encoder is 16 GB and never changes: a checkpoint must not copy it each time.
    """
    if source is None or not source.is_dir():
        part.save_pretrained(target)
        return
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if not path.is_file():
            continue
        # Downloaded folders hold symbolic links, which os.link would copy as such.
        real, place = path.resolve(), target / path.name
        place.unlink(missing_ok=True)
        with suppress(OSError):
            os.link(real, place)
        if not place.exists():
            shutil.copyfile(real, place)
