"""What families of published networks have in common: packed blocks, and the published files."""

from pathlib import Path
from typing import Any, ClassVar

from train.models.family import Count, Family
from train.packing.layout import Layout


class PublishedFamily(Family):
    """A family whose networks have ``blocks``, say what their parameters are made of (``sources``),
    count their FLOPs, and save themselves as diffusers' ``published_class``.
    """

    published_class: ClassVar[str]

    layers: Count

    def matrices(self, network: Any) -> Any:
        """As ``Family``, each published matrix by itself. Modulation is made of noise levels, not
        of hidden states: AdamW moves it, by which small networks write after fewer steps.
        """
        sources = network.sources()
        return {
            name: sources[name] for name in super().matrices(network) if "modulation" not in name
        }

    @property
    def middle(self) -> range:
        """As ``Family``."""
        from train.packing import routing

        return routing.middle(self.layers)

    def flops(self, network: Any, layout: Layout) -> int:
        """As ``Family``, those that a step needs: matrices and attention."""
        counted: int = network.flops(layout)
        return counted

    def save(self, network: Any, directory: Path, values: Any = None) -> dict[str, tuple[str, str]]:
        """As diffusers does, with no more than a part of the files in memory."""
        folder = directory / "transformer"
        folder.mkdir()
        network.save(folder, values=values)
        return {"transformer": ("diffusers", self.published_class)}
