"""From a classifier's probabilities to nodes: summed up the tree, and as specific as is safe."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from taxonomy.tree import ROOT, Tree


@dataclass(frozen=True)
class Posterior:
    """What the classes of a classifier say of the nodes of a tree; ``leaves`` are their nodes."""

    tree: Tree
    leaves: tuple[int, ...]

    @cached_property
    def _above(self) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(self.tree.above(leaf)) for leaf in self.leaves)

    @cached_property
    def _gain(self) -> dict[int, float]:
        """By node the bits that it says: log2 N - log2 of how many of the N classes are below."""
        below: dict[int, int] = {}
        for nodes in self._above:
            for node in nodes:
                below[node] = below.get(node, 0) + 1
        most = math.log2(len(self.leaves))
        return {node: most - math.log2(count) for node, count in below.items()}

    def of_nodes(self, classes: Sequence[int], scores: Sequence[float]) -> dict[int, float]:
        """Probabilities by node, of those above any of the ``classes``: each counts once a node."""
        likely: dict[int, float] = {}
        for number, score in zip(classes, scores, strict=True):
            for node in self._above[number]:
                likely[node] = likely.get(node, 0.0) + score
        return likely

    def bits(self, node: int) -> float:
        """What a node says, from 0 of the root to log2 N of a class."""
        return self._gain[node]

    def hedged(self, likely: dict[int, float], caution: float, sure: float = 0.0) -> int:
        """The node with the largest (bits + ``caution``) * probability, of those with a probability
        of ``sure`` and more; the root without any.

        At 0 it is the most specific, at large ones the root. Deng et al., "Hedging your bets",
        CVPR 2012, equation 3 (there lambda). Ties go to the deeper, then to the smaller id.
        """
        depth, ids = self.tree.depth, self.tree.ids
        return min(
            [node for node in likely if likely[node] >= sure] or [self.tree.number[ROOT]],
            key=lambda node: (
                -(self._gain[node] + caution) * likely[node],
                -depth[node],
                ids[node],
            ),
        )
