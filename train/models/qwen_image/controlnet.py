"""A ControlNet (arXiv 2302.05543) of Qwen-Image: a copy of its first blocks that sees a condition
too, and says what is to be added to the image tokens behind the blocks of the network.

It computes what diffusers' ``QwenImageControlNetModel`` does, and loads and saves its files.

Shapes: N samples; K image tokens of them, targets all; C values of a token, E more of a condition
(the mask, for inpainting); d width.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from curation.failures.errors import UsageError
from train import checkpoint_folder
from train.models.qwen_image.config import Config
from train.models.qwen_image.keys import of_control
from train.models.qwen_image.network import PackedQwenImage
from train.models.qwen_image.trunk import Trunk
from train.packing import weights
from train.packing.keys import Keys, joined, parted
from train.packing.packed import Packed

PUBLISHED_CLASS = "QwenImageControlNetModel"
_EXTRA = "extra_condition_channels"
_ALIKE = (
    *("patch_size", "in_channels", "joint_attention_dim", "axes_dims_rope"),
    *("num_attention_heads", "attention_head_dim"),
)
_OF_NETWORKS_ALONE = ("guidance_embeds", "zero_cond_t", "use_additional_t_cond", "use_layer3d_rope")


class PackedQwenImageControlNet(Trunk):
    """The network; of ``config`` it has the sizes alone, and E = ``extra`` values of a condition's
    token more than the image has.
    """

    def __init__(self, config: Config, extra: int = 0, attention: str = "pass_by_pass") -> None:
        options: dict[str, Any] = dict.fromkeys(_OF_NETWORKS_ALONE, False)
        super().__init__(replace(config, **options), attention)
        width = config.width
        self.extra = extra
        self.condition_in = nn.Linear(config.in_channels + extra, width)
        self.controls = nn.ModuleList(nn.Linear(width, width) for _ in self.blocks)

    def forward(self, packed: Packed, condition: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        """What each block adds to the image tokens, (K, d), times the ``scale`` (K,) of each.

        ``packed`` has text and targets alone, and the ``condition`` (K, C + E) a token for each of
        theirs. Raises ``ValueError`` for a batch with references, or a condition of other tokens;
        else as ``PackedQwenImage``.
        """
        expected = (len(packed.image), self.config.in_channels + self.extra)
        if not packed.layout.is_target.all() or condition.shape != expected:
            raise ValueError(
                f"a condition {tuple(condition.shape)}: expected {expected}, of targets alone"
            )
        text, image = self.tokens(packed)
        image = image + self.condition_in(condition.to(self.condition_in.weight.dtype))
        where = self.places(packed.layout, image.device)
        modulation = self.condition(packed.sigma, None, image.dtype)
        residuals = list[Tensor]()
        for block, control in zip(self.blocks, self.controls, strict=True):
            text, image = block(text, image, modulation, where)
            changed = control(image)
            residuals.append((changed * scale[:, None]).to(changed.dtype))
        return tuple(residuals)

    @property
    def inpaints(self) -> bool:
        """Whether a condition has a mask: a value for each latent cell of a token."""
        return self.extra == self.config.patch_size**2

    def sources(self) -> Keys:
        """What each parameter is made of."""
        return of_control(self.config)

    def content(self) -> dict[str, Any]:
        """Of the published config.json."""
        known = self.config.content()
        kept = {name: known[name] for name in known if name not in _OF_NETWORKS_ALONE}
        return {**kept, "_class_name": PUBLISHED_CLASS, _EXTRA: self.extra}


def of_base(base: PackedQwenImage, blocks: int = 5, extra: int = 0) -> PackedQwenImageControlNet:
    """A ControlNet that changes nothing yet, as training begins: the first ``blocks`` of a ``base``
    network and all that is before them, copied; zeros for what takes in the condition and for what
    comes out.

    diffusers' ``from_transformer`` forgets ``txt_norm``. Raises ``ValueError`` for more blocks than
    the base has.
    """
    if not 1 <= blocks <= len(base.blocks):
        raise ValueError(f"{blocks} blocks of a network that has {len(base.blocks)}")
    with torch.device("meta"):
        config = replace(base.config, num_layers=blocks)
        control = PackedQwenImageControlNet(config, extra, base.attention)
    given, known, sources = dict(base.named_parameters()), base.sources(), control.sources()
    homes = {part.key: name for name, source in known.items() for part in source.parts}
    for name, parameter in list(control.named_parameters()):
        source = sources[name]
        wanted = [part.key for part in source.parts]
        if wanted[0] not in homes:  # the condition's, and what comes out
            values = torch.zeros(parameter.shape, dtype=base.image_in.weight.dtype)
            values = values.to(base.image_in.weight.device)
        else:
            published: dict[str, Tensor] = {}
            for home in dict.fromkeys(homes[key] for key in wanted):
                published |= dict(parted(known[home], given[home].detach()))
            values = joined(source, [published[key] for key in wanted])
        place, _, last = name.rpartition(".")
        filled = nn.Parameter(values, requires_grad=parameter.requires_grad)
        setattr(control.get_submodule(place), last, filled)
    return control


def load(
    folder: Path, attention: str = "pass_by_pass", device: torch.device | str = "cpu"
) -> PackedQwenImageControlNet:
    """The network of a published folder, in the type of numbers that it is stored in.

    Raises ``OSError`` for missing files, ``ValueError`` for those of another network.
    """
    content: Mapping[str, Any] = json.loads((folder / weights.CONFIGURATION).read_text("utf-8"))
    config = Config.of(content, PUBLISHED_CLASS)
    with torch.device("meta"):
        network = PackedQwenImageControlNet(config, int(content.get(_EXTRA, 0)), attention)
    weights.load(network, network.sources(), folder, device)
    return network


def blocks_in(folder: Path) -> int | None:
    """How many blocks the ControlNet in a ``folder`` has, as ``beside`` takes it; None without
    its configuration.
    """
    path = _home(folder) / weights.CONFIGURATION
    try:
        return Config.of(json.loads(path.read_text("utf-8")), PUBLISHED_CLASS).num_layers
    except (OSError, ValueError):
        return None


def _home(folder: Path) -> Path:
    """Where in a ``folder`` it is. Raises ``UsageError`` for a damaged training output."""
    try:
        return checkpoint_folder.controlnet(folder)
    except checkpoint_folder.CheckpointError as error:
        raise UsageError(str(error)) from error


def beside(
    base: PackedQwenImage, folder: Path, numbers: torch.dtype | None = None
) -> PackedQwenImageControlNet:
    """The ControlNet in a ``folder``, or in ``controlnet`` of that of a pipeline or of the newest
    checkpoint of a training, for a ``base`` network: where that is, and in ``numbers``, else in
    its.

    Raises ``UsageError`` for a folder without one, or one for another network.
    """
    folder = _home(folder)
    try:
        control = load(folder, base.attention)
    except (OSError, ValueError, SafetensorError) as error:
        raise UsageError(
            f"{folder}: no ControlNet for Qwen-Image; expected config.json of a {PUBLISHED_CLASS}"
            f" and its weights ({error})"
        ) from error
    for name in _ALIKE:
        own, expected = getattr(control.config, name), getattr(base.config, name)
        if own != expected:
            raise UsageError(
                f"{folder}: a ControlNet with {name} {own}; this network has {expected}:"
                " it was made for another"
            )
    if control.extra and not control.inpaints:
        raise UsageError(
            f"{folder}: {_EXTRA} is {control.extra}; expected 0, an image, or"
            f" {base.config.patch_size**2}, an image with a mask"
        )
    weight = base.image_in.weight
    return control.to(weight.device, numbers or weight.dtype).eval()
