"""Tiny random autoencoders of the published classes, in folders of their own."""

from pathlib import Path

SMALL = {"base_dim": 4, "dim_mult": [1, 2, 2], "num_res_blocks": 1}
LATENTS = {"latents_mean": [0.5, -0.25, 0.0, 1.0], "latents_std": [1.5, 0.5, 2.0, 1.0]}


def make(kind: str, **options):
    """``AutoencoderKL`` + ``kind``, of 4 channels and factor 4, with scales and biases as trained
    ones have them; the published classes otherwise.
    """
    import diffusers
    import torch

    own = {**SMALL, **LATENTS, "z_dim": 4, "temperal_downsample": [False, True], **options}
    if kind.endswith("21"):
        own |= {"decoder_base_dim": 6, "scale_factor_spatial": 4}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = getattr(diffusers, f"AutoencoderKL{kind}")(**own)
        for weight in model.parameters():
            weight.data += 0.05 * torch.randn_like(weight)
    return model.eval()


def save(folder: Path, kind: str, dtype=None, **options) -> Path:
    """Save it as ``vae`` of a ``folder``, which is returned."""
    model = make(kind, **options)
    (model if dtype is None else model.to(dtype)).save_pretrained(folder / "vae")
    return folder
