"""What a model family is: how its network is built, called, stored, and known again in a folder.

Shapes: B batch, C latent channels, h w latent cells, T text tokens, D text feature width.
"""

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field

from curation.strict_yaml import Chosen

if TYPE_CHECKING:
    from torch import Tensor, nn

_CONFIGURATION, _WEIGHTS = "config.json", "model.safetensors"


@dataclass(frozen=True)
class Condition:
    """What images are made for: text ``features`` (B, T, D), and a ``mask`` (B, T) bool that is
    True on real tokens; padding is never attended to.
    """

    features: "Tensor"
    mask: "Tensor"


class Family(Chosen):
    """A model family; its fields are the settings of a network. A new one is a file in
    ``train/models`` with a class that derives from this one.

    ``patch`` is the side of an image token in latent cells: images have whole tokens.
    """

    patch: Annotated[int, Field(ge=1)] = 2

    @abstractmethod
    def build(self, channels: int, text_width: int) -> "nn.Module":
        """A new network for latents of C ``channels`` and features of D ``text_width``, with
        weights from torch's current random state. Raises ``UsageError`` for settings that do not go
        together.
        """

    @abstractmethod
    def velocity(
        self, network: Any, noisy: "Tensor", sigma: "Tensor", condition: Condition
    ) -> "Tensor":
        """The velocity (B, C, h, w), noise - data, at the points ``noisy`` (B, C, h, w) of noise
        level ``sigma`` (B,) in [0, 1].
        """

    def save(self, network: Any, directory: Path) -> dict[str, tuple[str, str]]:
        """Write ``directory/transformer``; returns its line for ``model_index.json``."""
        from safetensors.torch import save_file

        folder = directory / "transformer"
        folder.mkdir()
        weights = {name: value.contiguous() for name, value in network.state_dict().items()}
        save_file(weights, str(folder / _WEIGHTS))
        kind = type(network)
        content = {"_class_name": kind.__name__, **self.model_dump(mode="json")}
        (folder / _CONFIGURATION).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
        return {"transformer": (kind.__module__, kind.__name__)}

    def load(self, folder: Path, channels: int, text_width: int) -> "nn.Module":
        """The network that ``save`` wrote into ``folder``, on the CPU. Raises ``OSError``,
        ``SafetensorError``, and ``ValueError`` for weights of another network.
        """
        from safetensors.torch import load_file

        network = self.build(channels, text_width)
        try:
            network.load_state_dict(load_file(str(folder / _WEIGHTS)))
        except RuntimeError as error:
            raise ValueError(f"{folder / _WEIGHTS}: {error}") from error
        return network

    @classmethod
    def recognised(cls, content: Mapping[str, Any]) -> Self | None:
        """The family with the settings of a network, of which ``content`` is the ``config.json``;
        None where that is not of this family.

        Only a family whose networks others store, too, has to look for itself.
        """
        return None
