"""What the 2-D networks of one frame save: forward and backward of the published decoder's sizes,
by diffusers' 3-D network and by ours, in turn, in CPU seconds; and how far apart they are.

    python -m benchmarks.one_frame --side 64 --rounds 3
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from train.autoencoders.qwen import QwenAutoencoder


def seconds(decode: Callable[[Tensor], Tensor], latents: Tensor) -> float:
    """Of a forward and backward pass."""
    began = time.process_time()
    decode(latents).abs().mean().backward()  # type: ignore[no-untyped-call]
    return time.process_time() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--side", type=int, default=64, help="of an image, in pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--base", type=int, default=96, help="base_dim; 96 is the published one")
    options = parser.parse_args()
    from diffusers import AutoencoderKLQwenImage

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model: Any = AutoencoderKLQwenImage(base_dim=options.base)
    network = QwenAutoencoder(model).trainable(encoder=False)
    model.requires_grad_(True)
    cells = options.side // network.factor
    latents = torch.randn(1, network.channels, cells, cells)

    def by_model(own: Tensor) -> Tensor:
        pixels: Tensor = model.decode(own.unsqueeze(2)).sample
        return pixels[:, :, 0]

    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with torch.no_grad():
        theirs, ours = by_model(latents), network.decode(latents).clamp(-1, 1)
    print(f"apart: {float((theirs - ours).abs().max() / theirs.abs().max()):.1e} of the largest")
    taken: dict[str, list[float]] = {"3-D": [], "2-D": []}
    for number in range(options.rounds + 1):
        for name, decode in (("3-D", by_model), ("2-D", network.decode)):
            spent = seconds(decode, latents)
            if number:  # the first warms up
                taken[name].append(spent)
    ratios = [three / two for three, two in zip(taken["3-D"], taken["2-D"], strict=True)]
    for name, spent_each in taken.items():
        print(f"{name}: {statistics.median(spent_each):.2f} CPU-s forth and back")
    print(f"3-D / 2-D: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
