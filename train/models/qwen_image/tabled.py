"""Modulation from a table, at inference.

What modulates a block depends on the noise level alone, so that for a fixed list of levels a table
of a few rows takes the place of a third of the weights of Qwen-Image.

Shapes: K listed noise levels, R noise levels of a batch, M values of modulation.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from train.models.qwen_image.network import PackedQwenImage


class _Listed(nn.Module):
    """Noise levels (R,) to their places in the list, (R,)."""

    def __init__(self, sigmas: Sequence[float], additional: int, device: torch.device) -> None:
        super().__init__()
        self._additional = additional
        self._listed = torch.tensor(sigmas, dtype=torch.float32, device=device)

    def forward(self, sigma: Tensor, additional: Tensor, activations: torch.dtype) -> Tensor:
        """Raises ``ValueError`` for levels that are not listed."""
        same = sigma.float()[:, None] == self._listed.to(sigma.device)
        if not bool(same.any(dim=1).all()) or not bool((additional == self._additional).all()):
            raise ValueError(
                f"noise levels {sigma.tolist()} with condition {additional.tolist()}: modulation"
                f" was tabled for {self._listed.tolist()} with {self._additional}"
            )
        return same.int().argmax(dim=1)


class _Tabled(nn.Module):
    """Places in the list (R,) to their modulation (R, M)."""

    def __init__(self, table_km: Tensor) -> None:
        super().__init__()
        self.register_buffer("table", table_km, persistent=False)
        self.table: Tensor

    def forward(self, listed: Tensor) -> Tensor:
        return self.table.index_select(0, listed)


@torch.inference_mode(False)
@torch.no_grad()
def table_modulation(
    network: PackedQwenImage, sigmas: Sequence[float], additional: int = 0
) -> PackedQwenImage:
    """Change a ``network`` for good so that it runs at the listed noise levels alone (and row
    ``additional`` of the condition of layered networks), by tables in place of the weights of
    modulation and of the time embedding; returns it. Outputs keep their bits.

    Each row is computed by itself, as for a batch of one sample.
    """
    device = network.image_in.weight.device
    conditions = [_condition(network, sigma, additional, device) for sigma in sigmas]
    listed = list(sigmas)
    if network.config.zero_cond_t:  # the level of references has a row of its own
        listed.append(0.0)

    def tabled(layer: nn.Module, rows: int) -> _Tabled:
        """Of a layer that is given so many rows of the condition of one sample."""
        made = [layer(condition[:rows]) for condition in conditions]
        table = [each[:1] for each in made] + ([made[0][1:]] if rows > 1 else [])
        return _Tabled(torch.cat(table))

    rows = len(conditions[0])
    for block in network.blocks:
        block.modulation = tabled(block.get_submodule("modulation"), rows)
    network.modulation_out = tabled(network.modulation_out, 1)  # type: ignore[assignment]
    network.conditioning = _Listed(listed, additional, device)  # type: ignore[assignment]
    return network


def _condition(
    network: PackedQwenImage, sigma: float, additional: int, device: torch.device
) -> Tensor:
    """(1, d), or (2, d) with that of noise level 0."""
    level = torch.tensor([sigma], dtype=torch.float32, device=device)
    row = torch.tensor([additional], device=device)
    return network.condition(level, row, network.image_in.weight.dtype)
