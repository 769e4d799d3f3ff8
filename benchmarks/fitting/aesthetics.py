"""LAION's aesthetic head to safetensors: python -m benchmarks.fitting.aesthetics HEAD

HEAD is ``sa_0_4_vit_b_16_linear.pth`` of https://github.com/LAION-AI/aesthetic-predictor (MIT).
"""

import sys

import torch
from safetensors.numpy import save_file

from curation.networks import heads


def main(checkpoint: str) -> None:
    """Write the head; nothing but tensors is read of the checkpoint."""
    stored = torch.load(checkpoint, weights_only=True)
    arrays = {name: stored[name].numpy() for name in ("weight", "bias")}
    save_file(arrays, heads.AESTHETICS, metadata={"licence": "MIT", "source": "LAION"})
    print(f"{heads.AESTHETICS}: {arrays['weight'].shape}")


if __name__ == "__main__":
    main(sys.argv[1])
