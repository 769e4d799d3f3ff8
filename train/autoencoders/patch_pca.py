"""The smallest image autoencoder that works: a patch PCA, fixed, linear, fitted in a second.

A checkpoint takes a copy of this file along, so that diffusers can load it where Inkstone is not
installed: nothing of ours is imported here.

Shapes: B batch, H W pixels, C latent channels, f pixels per latent cell side, h = H/f, w = W/f.
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

_CONFIGURATION = "config.json"
_WEIGHTS = "autoencoder.safetensors"


class PatchPcaAutoencoder:
    """Principal components of f x f RGB patches: fixed, linear, fitted in a second.

    ``mean`` is (3ff,), ``components`` (C, 3ff) orthonormal rows, ``scale`` (C,) what each component
    is divided by: whitened, its standard deviation over the fitted patches.
    """

    def __init__(self, factor: int, mean: Tensor, components: Tensor, scale: Tensor) -> None:
        self.factor = factor
        self.channels = components.shape[0]
        self.mean = mean
        self.components = components
        self.scale = scale

    @classmethod
    def fit(
        cls, images: list[Tensor], factor: int, channels: int, whitening: float = 1.0
    ) -> "PatchPcaAutoencoder":
        """Fit on images of any sizes, each (B, 3, H, W) in [-1, 1].

        ``whitening`` 1 gives all channels the variance 1, 0 leaves their variances as in pixels;
        between, standard deviations are those of pixels to the power of 1 - ``whitening``. Their
        mean variance is 1 in any case.

        Raises ``ValueError`` when a size is no multiple of ``factor`` or there are more channels
        than pixel values in a patch.
        """
        width = 3 * factor * factor
        if not 0 < channels <= width:
            raise ValueError(f"channels is {channels}; a patch of {factor}x{factor} has {width}")
        patches = torch.cat([_patches(batch, factor).reshape(-1, width) for batch in images])
        exact = patches.double()
        mean = exact.mean(0)
        covariance = (exact - mean).T @ (exact - mean) / max(1, len(exact) - 1)
        variances, vectors = torch.linalg.eigh(covariance)  # ascending
        components = vectors.T.flip(0)[:channels]
        # An eigenvector's sign is arbitrary: fixed, so that the same images give the same ones.
        largest = components.abs().argmax(1, keepdim=True)
        components = components * components.gather(1, largest).sign()
        deviation = variances.flip(0)[:channels].clamp_min(1e-8).sqrt()
        left = deviation ** (1 - whitening)
        scale = deviation**whitening * left.square().mean().sqrt()
        return cls(factor, mean.float(), components.float().contiguous(), scale.float())

    def encode(self, pixels: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> (B, C, h, w), of which there is nothing to sample. Raises
        ``ValueError`` for a wrong size.
        """
        patches = _patches(pixels, self.factor)  # (B, h, w, 3ff)
        projection = (self.components / self.scale[:, None]).T.to(pixels)
        return ((patches - self.mean.to(pixels)) @ projection).permute(0, 3, 1, 2).contiguous()

    def decode(self, latents: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, 3, H, W) clipped to [-1, 1]."""
        back = (self.components * self.scale[:, None]).to(latents)
        patches = latents.permute(0, 2, 3, 1) @ back + self.mean.to(latents)
        batch, height, width, _ = patches.shape
        size = self.factor
        grid = patches.reshape(batch, height, width, 3, size, size).permute(0, 3, 1, 4, 2, 5)
        return grid.reshape(batch, 3, height * size, width * size).clamp(-1, 1)

    def save(self, directory: Path) -> dict[str, tuple[str, str]]:
        """Write ``directory/autoencoder``, this file too; return its line for the index."""
        folder = directory / "autoencoder"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(__file__, folder / Path(__file__).name)
        content = {
            "_class_name": "PatchPcaAutoencoder",
            "channels": self.channels,
            "factor": self.factor,
        }
        (folder / _CONFIGURATION).write_text(json.dumps(content, indent=2) + "\n")
        tensors = {"mean": self.mean, "components": self.components, "scale": self.scale}
        save_file(tensors, str(folder / _WEIGHTS))
        return {"autoencoder": (Path(__file__).stem, "PatchPcaAutoencoder")}

    @classmethod
    def from_pretrained(cls, folder: str | Path, **_options: object) -> "PatchPcaAutoencoder":
        """Read the folder ``save`` wrote; diffusers calls it with options that do not matter."""
        folder = Path(folder)
        content = json.loads((folder / _CONFIGURATION).read_text())
        tensors = load_file(str(folder / _WEIGHTS))
        return cls(content["factor"], tensors["mean"], tensors["components"], tensors["scale"])


def _patches(pixels: Tensor, size: int) -> Tensor:
    """(B, 3, H, W) -> (B, H/size, W/size, 3 size size)."""
    batch, channels, height, width = pixels.shape
    if height % size or width % size:
        raise ValueError(f"an image of {width}x{height} px is no multiple of {size} px")
    grid = pixels.reshape(batch, channels, height // size, size, width // size, size)
    return grid.permute(0, 2, 4, 1, 3, 5).flatten(3)
