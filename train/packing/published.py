"""Networks that save themselves in the files of diffusers."""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from train.packing import weights
from train.packing.keys import Keys


class Published(nn.Module):
    """A network that says what its parameters are made of, and what it is built by."""

    @abstractmethod
    def sources(self) -> Keys:
        """What each parameter is made of."""

    @abstractmethod
    def content(self) -> dict[str, Any]:
        """Of the published config.json."""

    def save(
        self,
        folder: Path,
        largest_part: int = weights.LARGEST_PART,
        values: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Write the published files into the ``folder``, which is there; ``values`` as of
        ``weights.save``.
        """
        weights.save(dict(self.named_parameters()), self.sources(), folder, largest_part, values)
        weights.save_configuration(self.content(), folder)
