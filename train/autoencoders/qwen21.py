"""``diffusers.AutoencoderKLQwenImage21`` as an autoencoder: what ``QwenImage21Pipeline`` computes.

The published one knows alpha (``train.autoencoders.alpha``).
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from train.autoencoders.alpha import over_white, with_alpha
from train.autoencoders.one_frame import OneFrame
from train.autoencoders.trainable import Trainable
from train.frozen import Frozen, keep


class Qwen21Autoencoder(Frozen):
    """The autoencoder of Qwen-Image-2.1: 64 channels, factor 16 (as configured in its folder).

    Latents are (x - mean) / std by the statistics in the autoencoder's configuration, per channel.
    ``folder`` is where the weights came from, if from disk; ``save`` then links them.
    """

    mean: Tensor
    standard_deviation: Tensor

    def __init__(self, model: Any, folder: Path | None = None) -> None:
        super().__init__(model)
        self.folder = folder
        self.channels = int(model.config.z_dim)
        self.factor = int(model.config.scale_factor_spatial)
        self.knows_alpha = model.config.in_channels == 4
        for name, values in (
            ("mean", torch.tensor(model.config.latents_mean)),
            ("standard_deviation", torch.tensor(model.config.latents_std)),
        ):
            self.register_buffer(name, values.view(1, -1, 1, 1), persistent=False)

    @classmethod
    def load(cls, folder: Path) -> "Qwen21Autoencoder":
        """Read a folder of ``AutoencoderKLQwenImage21.save_pretrained``."""
        from diffusers import AutoencoderKLQwenImage21

        return cls(AutoencoderKLQwenImage21.from_pretrained(folder, local_files_only=True), folder)

    @torch.no_grad()
    def encode(self, pixels: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(B, 3 or 4, H, W) in [-1, 1], a fourth channel alpha from clear to opaque ->
        (B, C, H/f, W/f), normalised.

        The mode of the posterior, so that an image always has the same latents; with a
        ``generator`` a sample of it instead. Raises ``ValueError`` for a size that is no multiple
        of the factor (the autoencoder would crop it in silence).
        """
        height, width = pixels.shape[-2:]
        if height % self.factor or width % self.factor:
            raise ValueError(f"an image of {width}x{height} px is no multiple of {self.factor} px")
        pixels = with_alpha(pixels) if self.knows_alpha else over_white(pixels)
        frames = pixels.to(*self.place()).unsqueeze(2)  # (B, 3 or 4, 1, H, W)
        posterior = self.model.encode(frames).latent_dist
        raw = (posterior.mode() if generator is None else posterior.sample(generator)).squeeze(2)
        latents: Tensor = (raw - self.mean.to(raw)) / self.standard_deviation.to(raw)
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """(B, C, h, w) normalised -> (B, 3, hf, wf) clipped to [-1, 1], over white."""
        return over_white(self._decoded(latents))

    def decode_with_alpha(self, latents: Tensor) -> Tensor:
        """(B, C, h, w) normalised -> (B, 4, hf, wf) clipped to [-1, 1], the fourth alpha."""
        return with_alpha(self._decoded(latents))

    @torch.no_grad()
    def _decoded(self, latents: Tensor) -> Tensor:
        """(B, 3, hf, wf), or (B, 4, hf, wf) where it knows alpha, clipped to [-1, 1]."""
        latents = latents.to(*self.place())
        raw = latents * self.standard_deviation.to(latents) + self.mean.to(latents)
        pixels: Tensor = self.model.decode(raw.unsqueeze(2), return_dict=False)[0][:, :, 0]
        return pixels.clamp(-1, 1)

    def trainable(self, *, encoder: bool) -> Trainable:
        """Its decoder to be trained on images, and where ``encoder`` its encoder too."""
        return OneFrame(self.model, self.folder, self.factor, encodes=encoder)

    def save(self, directory: Path) -> dict[str, tuple[str, str]]:
        """Write ``directory/vae`` and return its line for ``model_index.json``."""
        keep(self.folder, directory / "vae", self.model)
        return {"vae": ("diffusers", type(self.model).__name__)}
