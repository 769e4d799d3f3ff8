"""The small model as a pipeline of diffusers. A checkpoint takes a copy of this file along:

    DiffusionPipeline.from_pretrained(folder, custom_pipeline=folder, trust_remote_code=True)

loads it where Inkstone is not installed: nothing of ours is imported here.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline, ImagePipelineOutput
from diffusers.pipelines.qwenimage.pipeline_qwenimage import calculate_shift
from torch import Tensor


class InkstonePipeline(DiffusionPipeline):  # type: ignore[misc]
    """Images from prompts, the same as ``python -m infer`` gives for the same seed.

    ``width``, ``height``, ``steps`` and ``guidance`` are those the model was trained and judged
    with, and the defaults.
    """

    def __init__(
        self,
        transformer: Any,
        scheduler: Any,
        autoencoder: Any,
        text_encoder: Any,
        width: int = 64,
        height: int = 32,
        steps: int = 50,
        guidance: float = 1.0,
    ) -> None:
        super().__init__()
        self.register_modules(
            transformer=transformer,
            scheduler=scheduler,
            autoencoder=autoencoder,
            text_encoder=text_encoder,
        )
        self.register_to_config(width=width, height=height, steps=steps, guidance=guidance)

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | list[str],
        negative_prompt: str = "",
        width: int | None = None,
        height: int | None = None,
        num_inference_steps: int | None = None,
        true_cfg_scale: float | None = None,
        generator: torch.Generator | list[torch.Generator] | None = None,
        output_type: str = "pil",
    ) -> ImagePipelineOutput:
        """Generate one image a prompt; ``generator`` on the CPU, one for all or one for each.

        Raises ``ValueError`` for a width or height that is no whole number of tokens.
        """
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        cells = self._cells(width or self.config.width, height or self.config.height)
        steps = num_inference_steps or self.config.steps
        guidance = self.config.guidance if true_cfg_scale is None else true_cfg_scale
        network = self.transformer
        given = self._encode(prompts)
        other = self._encode([negative_prompt] * len(prompts)) if guidance > 1 else None
        latents = self._noise(len(prompts), cells, generator)
        for level, following in pairwise(self._sigmas(steps, cells)):
            sigma = torch.full((len(prompts),), level, dtype=network.dtype, device=network.device)
            velocity = self._velocity(latents, sigma, cells, *given)
            if other is not None:
                unwanted = self._velocity(latents, sigma, cells, *other)
                mixed = unwanted + guidance * (velocity - unwanted)
                length = mixed.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(mixed.dtype).tiny)
                velocity = mixed * (velocity.norm(dim=-1, keepdim=True) / length)
            latents = latents + (following - level) * velocity
        pixels = self.autoencoder.decode(self._unpack(latents, cells)).float().cpu()
        arrays = (pixels / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()
        images: Any = self.numpy_to_pil(arrays) if output_type == "pil" else arrays
        return ImagePipelineOutput(images=images)

    def _cells(self, width: int, height: int) -> tuple[int, int]:
        """Latent cells (h, w) of an image."""
        factor = self.autoencoder.factor
        unit = factor * self.transformer.config.patch_size
        if width % unit or height % unit:
            raise ValueError(f"{width}x{height} px: expected multiples of {unit} px")
        return height // factor, width // factor

    def _encode(self, prompts: list[str]) -> tuple[Tensor, Tensor | None]:
        """Features (B, T, D), and a mask (B, T) where some of them are padding."""
        rows = [text[0] for text in self.text_encoder.encode(prompts)]
        features = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        counts = torch.tensor([len(row) for row in rows], device=features.device)
        mask = torch.arange(features.shape[1], device=features.device) < counts[:, None]
        return features.to(self.transformer.dtype), None if bool(mask.all()) else mask

    def _sigmas(self, steps: int, cells: tuple[int, int]) -> list[float]:
        """Noise levels from 1 to 0; one step has nothing to stretch (the scheduler: 0 / 0)."""
        if steps == 1:
            return [1.0, 0.0]
        settings = self.scheduler.config
        tokens = cells[0] * cells[1] // self.transformer.config.patch_size**2
        shift = calculate_shift(
            tokens,
            settings.base_image_seq_len,
            settings.max_image_seq_len,
            settings.base_shift,
            settings.max_shift,
        )
        self.scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), mu=shift)
        return [float(sigma) for sigma in self.scheduler.sigmas]

    def _noise(self, count: int, cells: tuple[int, int], generator: Any) -> Tensor:
        """(B, L, C p p) normal, image by image."""
        own = generator if isinstance(generator, list) else [generator] * count
        shape = (self.autoencoder.channels, *cells)
        rows = torch.stack([torch.randn(shape, generator=each) for each in own])
        patch = self.transformer.config.patch_size
        grid = rows.reshape(count, shape[0], cells[0] // patch, patch, cells[1] // patch, patch)
        tokens: Tensor = grid.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
        return tokens.to(self.transformer.device)

    def _velocity(
        self,
        latents: Tensor,
        sigma: Tensor,
        cells: tuple[int, int],
        features: Tensor,
        mask: Tensor | None,
    ) -> Tensor:
        patch = self.transformer.config.patch_size
        predicted: Tensor = self.transformer(
            hidden_states=latents.to(self.transformer.dtype),
            timestep=sigma,
            encoder_hidden_states=features,
            encoder_hidden_states_mask=mask,
            img_shapes=[[(1, cells[0] // patch, cells[1] // patch)]] * len(latents),
            return_dict=False,
        )[0]
        return predicted.float()

    def _unpack(self, tokens: Tensor, cells: tuple[int, int]) -> Tensor:
        """(B, L, C p p) -> (B, C, h, w)."""
        patch = self.transformer.config.patch_size
        rows, columns = cells[0] // patch, cells[1] // patch
        grid = tokens.reshape(len(tokens), rows, columns, self.autoencoder.channels, patch, patch)
        return grid.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)
