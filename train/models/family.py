"""What a model family is: how its network is built, called, stored, and known again in a folder.

Shapes: A target tokens of a packed batch, c latent channels, p patch side, D text feature width.
"""

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field

from curation.strict_yaml import Chosen
from train.packing.by_head import ByHead
from train.packing.layout import ImageSpan, Layout, Sample, TextSpan

if TYPE_CHECKING:
    from torch import Tensor, nn

    from train.packing.keys import Source
    from train.packing.packed import Item, Packed

_CONFIGURATION, _WEIGHTS = "config.json", "model.safetensors"
Count = Annotated[int, Field(ge=1)]
Grid = tuple[int, int]  # an image's tokens, (height, width)


def guided(conditional: "Tensor", unconditional: "Tensor", guidance: "Tensor") -> "Tensor":
    """True classifier-free guidance (arXiv 2207.12598) of velocities of one shape, as it is."""
    return unconditional + guidance * (conditional - unconditional)


class Family(Chosen):
    """A model family; its fields are the settings of a network. A new one is a file in
    ``train/models`` with a class that derives from this one.

    ``patch`` is the side of an image token in latent cells: images have whole tokens.
    """

    patch: Count = 2

    def unit(self, factor: int) -> int:
        """Sides of images are multiples of so many pixels, those of an image token here, where the
        autoencoder makes one latent cell of ``factor`` pixels a side.
        """
        return factor * self.patch

    @abstractmethod
    def build(self, channels: int, text_width: int) -> "nn.Module":
        """A new network for latents of c ``channels`` and features of D ``text_width``, with
        weights from torch's current random state.

        It maps a ``Packed`` batch to the velocity (A, c p p) of its target tokens, noise - data.
        Raises ``UsageError`` for settings that do not go together.
        """

    def sample(self, text: Sequence[int], target: Grid, references: Sequence[Grid]) -> Sample:
        """The order of a sample's tokens: here text, target, references.

        ``text`` has the tokens before, between and behind the places of images in a prompt, of
        whatever number of stretches.
        """
        return (
            TextSpan(sum(text)),
            ImageSpan(*target, target=True),
            *(ImageSpan(*grid, target=False) for grid in references),
        )

    def order(self, item: "Item") -> Sample:
        """The order of an item's tokens."""
        return self.sample(
            [len(stretch) for stretch in item.text],
            self._grid(item.target),
            [self._grid(reference) for reference in item.references],
        )

    def guide(self, conditional: "Tensor", unconditional: "Tensor", guidance: "Tensor") -> "Tensor":
        """True classifier-free guidance of the velocity of tokens (A, C), by ``guidance`` (A, 1);
        here each is rescaled to its conditional length, as ``QwenImagePipeline`` does.
        """
        import torch

        mixed = guided(conditional, unconditional, guidance)
        length = mixed.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(mixed.dtype).tiny)
        rescaled: Tensor = mixed * (conditional.norm(dim=-1, keepdim=True) / length)
        return rescaled

    def begin(self, network: Any, packed: "Packed") -> "Callable[[Tensor, Tensor, int], Tensor]":
        """What a step of sampling calls (``train.sampler.Step``), after what no step changes was
        computed for a batch; here that is nothing.
        """
        return lambda tokens, sigma, _: network(packed.with_targets(tokens, sigma))

    def _grid(self, latents: "Tensor") -> Grid:
        """The tokens (height, width) of latents (c, h, w)."""
        return latents.shape[-2] // self.patch, latents.shape[-1] // self.patch

    def matrices(self, network: "nn.Module") -> "dict[str, Source]":
        """The parameters of a network that map hidden states to hidden states, by name, with what
        is fused in each: what Muon moves. Here all in ``blocks``, each a matrix by itself.
        """
        from train.packing.keys import Published, Source

        return {
            name: Source((Published(name),))
            for name, weight in network.named_parameters()
            if name.startswith("blocks.") and weight.ndim == 2
        }

    @property
    def middle(self) -> range:
        """The blocks that image tokens may go around in training (``packing.routing``), by number;
        here none.
        """
        return range(0)

    def of_targets(self, block_output: Any, layout: Layout) -> "Tensor":
        """The target tokens (A, d) in what a block of the network gave."""
        raise NotImplementedError(f"{self.name} has no blocks of tokens")

    def flops(self, network: Any, layout: Layout) -> int:
        """Of a forward pass over real tokens; here two for every weight and token."""
        weights: int = sum(weight.numel() for weight in network.parameters())
        return 2 * layout.tokens * weights

    def by_head(self, network: "nn.Module") -> ByHead | None:
        """How a network is divided by head among processes; None: it is not. Here as it says."""
        own: Any = getattr(network, "by_head", None)
        division: ByHead | None = own() if own else None
        return division

    def save(
        self, network: Any, directory: Path, values: "Mapping[str, Tensor] | None" = None
    ) -> dict[str, tuple[str, str]]:
        """Write ``directory/transformer``; returns its line for ``model_index.json``. ``values``
        are the weights of a ``network`` on the meta device, by name, each read when it is asked
        for.
        """
        from safetensors.torch import save_file

        folder = directory / "transformer"
        folder.mkdir()
        state = network.state_dict() if values is None else values
        weights = {name: value.contiguous() for name, value in state.items()}
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

    def outline(self, folder: Path) -> "nn.Module | None":
        """The network of a published ``folder`` on the meta device: names and shapes, no weights.
        None where the family stores its networks in its own way. Raises ``OSError``,
        ``ValueError``.
        """
        return None

    @classmethod
    def recognised(cls, content: Mapping[str, Any]) -> Self | None:
        """The family with the settings of a network, of which ``content`` is the ``config.json``;
        None where that is not of this family.

        Only a family whose networks others store, too, has to look for itself.
        """
        return None
