"""The published autoencoders on one frame: 2-D networks, which is what an image needs of them.

``AutoencoderKLQwenImage`` is made for videos. Of a kernel of its causal 3-D convolutions an image
meets the last temporal slice alone, as what comes before it in time is zero, and ``time_conv`` is
never called on a first frame. So a 2-D convolution with ``weight[:, :, -1]`` is the same function,
and its gradient that of the slice; the other slices have none.
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from train.autoencoders import patching
from train.autoencoders.trainable import Posterior, Trainable, statistics

_CAUSAL = "QwenImageCausalConv3d"
_LEAST, _MOST = -30.0, 20.0  # of logarithms of variances, as diffusers bounds them


class OneFrameConv(nn.Conv2d):
    """A causal 3-D convolution on one frame, (B, C, 1, H, W)."""

    @classmethod
    def of(cls, other: Any) -> "OneFrameConv":
        """Of the last temporal slice of ``other``, which stays as it is."""
        across, _, down, *_ = other._padding
        own = cls(
            other.in_channels,
            other.out_channels,
            other.kernel_size[1:],
            other.stride[1:],
            (down, across),
            device=other.weight.device,
        )
        with torch.no_grad():
            own.weight.copy_(other.weight[:, :, -1])
            own.bias.copy_(other.bias)  # type: ignore[union-attr]
        return own

    def forward(self, frames: Tensor, _cache: None = None) -> Tensor:
        return super().forward(frames[:, :, 0]).unsqueeze(2)


def of_one_frame(module: Any) -> Any:
    """A copy of a part of either autoencoder in fp32, trainable, without what one frame does not
    need; weights keep their names.
    """
    if type(module).__name__ == _CAUSAL:
        return OneFrameConv.of(module).float()
    own = copy.deepcopy(module).float().requires_grad_(True)
    for each in list(own.modules()):
        for name, child in list(each.named_children()):
            if name == "time_conv":
                delattr(each, name)
            elif type(child).__name__ == _CAUSAL:
                setattr(each, name, OneFrameConv.of(child))
    return own


class OneFrame(Trainable):
    """``AutoencoderKLQwenImage`` or ``AutoencoderKLQwenImage21`` for images, of a ``model`` whose
    files are in ``folder``; its weights have the published names.
    """

    def __init__(self, model: Any, folder: Path | None, factor: int, *, encodes: bool) -> None:
        config = model.config
        super().__init__(int(config.z_dim), encodes=encodes)
        self.factor, self._folder = factor, folder
        self._kind, self._config = type(model), dict(config)
        self._class = self._kind.__name__
        self._begins = {"first_chunk": True} if self._class.endswith("21") else {}
        inputs = config.get("input_channels", config.get("in_channels"))
        self.colours = int(inputs)
        self.post_quant_conv = of_one_frame(model.post_quant_conv)
        self.decoder = of_one_frame(model.decoder)
        if encodes:
            self.encoder = of_one_frame(model.encoder)
            self.quant_conv = of_one_frame(model.quant_conv)
        for name in ("latents_mean", "latents_std"):
            values = torch.tensor(config[name]).view(1, -1, 1, 1)
            self.register_buffer(f"stored_{name}", values, persistent=False)

    def posterior(self, pixels: Tensor) -> Posterior:
        """As ``Trainable``."""
        moments = self.quant_conv(self.encoder(pixels.unsqueeze(2)))[:, :, 0]
        mean, log_variance = moments.chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(_LEAST, _MOST))

    def decode(self, latents: Tensor) -> Tensor:
        """As ``Trainable``."""
        frames = self.post_quant_conv(latents.unsqueeze(2))
        pixels: Tensor = self.decoder(frames, **self._begins)
        return pixels[:, :, 0]

    def unnormalised(self, latents: Tensor) -> Tensor:
        """As ``Trainable``."""
        stored: Any = self
        raw: Tensor = latents * stored.stored_latents_std + stored.stored_latents_mean
        return raw

    def normalised(self, latents: Tensor) -> Tensor:
        """As ``Trainable``."""
        stored: Any = self
        normal: Tensor = (latents - stored.stored_latents_mean) / stored.stored_latents_std
        return normal

    @property
    def anchor(self) -> nn.Parameter:
        """As ``Trainable``."""
        weight: nn.Parameter = self.encoder.conv_out.weight
        return weight

    def save(self, directory: Path, values: Mapping[str, Tensor]) -> dict[str, tuple[str, str]]:
        """Write ``directory/vae``: the files of the folder it began as, in which nothing is changed
        but weights that are trained; where the encoder is, also the statistics of latents. What was
        in no folder is written as diffusers does; what one frame does not need of it is 0.
        """
        settings = dict[str, Any]()
        if self.encodes:
            mean, deviation = statistics(values)
            settings = {"latents_mean": mean.tolist(), "latents_std": deviation.tolist()}
        own = {name for name, _ in self.named_parameters()}
        changes = {name: values[name] for name in values if name in own}
        if self._folder is None:
            self._anew(changes, settings).save_pretrained(directory / "vae")
            return {"vae": ("diffusers", self._class)}
        patching.write(self._folder, directory / "vae", changes, settings)
        return {"vae": ("diffusers", self._class)}

    def _anew(self, values: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Any:
        """The published class with these weights."""
        with torch.device("meta"):
            model = self._kind.from_config({**self._config, **settings})
        weights = {name: torch.zeros(each.shape) for name, each in model.state_dict().items()}
        model.load_state_dict({**weights, **values}, assign=True)
        return model
