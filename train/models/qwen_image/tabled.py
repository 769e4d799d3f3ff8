"""Modulation from a table, at inference.

What modulates a block depends on the noise level alone, so that for the levels of a schedule a
table of a few rows takes the place of a third of the weights of Qwen-Image.

Shapes: R noise levels of a batch, M values of modulation, d width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from train.models.qwen_image.network import PackedQwenImage


class _Listed(nn.Module):
    """Noise levels (R,) to their places in the list, (R,)."""

    def __init__(self, additional: int, device: torch.device) -> None:
        super().__init__()
        self._additional = additional
        self.levels: list[float] = []
        self._listed = torch.empty(0, device=device)

    def add(self, sigmas: Sequence[float]) -> None:
        """List further noise levels, behind the others."""
        self.levels += sigmas
        self._listed = torch.tensor(self.levels, dtype=torch.float32, device=self._listed.device)

    def forward(self, sigma: Tensor, additional: Tensor, activations: torch.dtype) -> Tensor:
        """Raises ``ValueError`` for levels that are not listed."""
        same = sigma.float()[:, None] == self._listed.to(sigma.device)
        if not bool(same.any(dim=1).all()) or not bool((additional == self._additional).all()):
            raise ValueError(
                f"noise levels {sigma.tolist()} with condition {additional.tolist()}: modulation"
                f" was tabled for {self.levels} with {self._additional}"
            )
        return same.int().argmax(dim=1)


class _Tabled(nn.Module):
    """Places in the list (R,) to their modulation (R, M). ``layer`` makes the table, and is not
    among the weights of the network any more; the network gave it so many ``rows`` of the condition
    of a sample.
    """

    def __init__(self, layer: nn.Module, rows: int, device: torch.device) -> None:
        super().__init__()
        self._rows = rows
        self._layer = [layer]  # in a list, so that it is no submodule
        self.device = device
        self.register_buffer("table", None, persistent=False)
        self.table: Tensor | None

    def add(self, conditions: Sequence[Tensor]) -> None:
        """A row for each condition (1, d), computed by itself, where the network is. Conditions
        with a second row, of noise level 0, make that row of the table too, before all others.
        """
        layer = self._layer[0].to(self.device)
        made = [layer(condition[: self._rows])[:1] for condition in conditions]
        zero = layer(conditions[0])[1:]
        self.table = torch.cat([zero if self.table is None else self.table, *made])
        if self.device.type != "cpu":
            layer.to("cpu")

    def forward(self, listed: Tensor) -> Tensor:
        assert self.table is not None
        return self.table.index_select(0, listed)


class Tables:
    """Tables in place of the weights of modulation and of the time embedding of a ``network``,
    which it changes for good; ``additional`` is the row of the condition of layered networks. They
    are made on the ``device``, to which the network will go, or where it is.

    The weights stay with it, on the CPU, to list further noise levels; the last reference to it
    frees them. Outputs keep their bits: each row is computed by itself, as for a single sample.
    """

    @torch.inference_mode(False)
    def __init__(
        self, network: PackedQwenImage, additional: int = 0, device: torch.device | None = None
    ) -> None:
        self._device = device or network.image_in.weight.device
        self._kind = network.image_in.weight.dtype
        self._additional = additional
        self._conditioning = network.conditioning
        self._has_zero = network.config.zero_cond_t  # the level of references has a row of its own
        self._tabled = list[_Tabled]()
        for block in network.blocks:
            block.modulation = self._of(block.get_submodule("modulation"), 1 + self._has_zero)
        network.modulation_out = self._of(network.modulation_out, 1)  # type: ignore[assignment]
        self._listed = _Listed(additional, self._device)
        network.conditioning = self._listed  # type: ignore[assignment]
        if self._has_zero:
            self._listed.add([0.0])

    def _of(self, layer: nn.Module, rows: int) -> _Tabled:
        made = _Tabled(layer, rows, self._device)
        self._tabled.append(made)
        return made

    @torch.inference_mode(False)
    @torch.no_grad()
    def cover(self, sigmas: Sequence[float]) -> None:
        """Let the network run at these noise levels, too."""
        new = [level for level in dict.fromkeys(sigmas) if level not in self._listed.levels]
        if not new:
            return
        conditions = [self._condition(level) for level in new]
        for each in self._tabled:
            each.add(conditions)
        self._listed.add(new)

    def _condition(self, sigma: float) -> Tensor:
        """(1, d), or (2, d) with that of noise level 0."""
        levels = [sigma, 0.0] if self._has_zero else [sigma]
        level = torch.tensor(levels, dtype=torch.float32, device=self._device)
        row = torch.full((len(levels),), self._additional, device=self._device)
        condition: Tensor = self._conditioning.to(self._device)(level, row, self._kind)
        return condition
