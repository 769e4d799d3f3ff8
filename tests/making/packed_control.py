"""Tiny ControlNets of diffusers in which every weight says something, and the same as ours."""

import torch
from making.packed_qwen import TINY

from train.models.qwen_image import controlnet


def theirs(blocks=2, extra=0, seed=5, dtype=torch.float32, config=TINY):
    """A ``QwenImageControlNetModel`` for networks of ``config``."""
    from diffusers import QwenImageControlNetModel

    network = QwenImageControlNetModel(
        in_channels=config.in_channels,
        out_channels=config.out_channels,
        num_layers=blocks,
        attention_head_dim=config.attention_head_dim,
        num_attention_heads=config.num_attention_heads,
        joint_attention_dim=config.joint_attention_dim,
        axes_dims_rope=config.axes_dims_rope,
        extra_condition_channels=extra,
    ).to(dtype)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            near = 1.0 if "norm" in name and weight.ndim == 1 else 0.0
            weight.copy_(near + 0.25 * torch.randn(weight.shape, generator=generator))
    return network.eval()


def ours(network, folder):
    """The packed ControlNet with the weights of one of diffusers', through its files."""
    network.save_pretrained(folder)
    return controlnet.load(folder)
