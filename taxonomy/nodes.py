"""The node of an image: by its classes, by its captions, or by both where they agree.

Captions name things, the image chooses among their senses and says which of them it shows. Where
captions name nothing that the classes know of, the classes alone say what they are sure of; where
those are not sure, what the captions name stands, with less confidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taxonomy import senses
from taxonomy.lexicon import Lexicon, lexicon
from taxonomy.posterior import Posterior
from taxonomy.tree import ROOT

SOURCES = ("both", "classes", "captions")
SAID = 0.5  # confidence in what captions say and no class says anything of
PROMINENT = 0.8  # of the share of the first noun: later ones count less


@dataclass(frozen=True)
class Assigned:
    """An image's ``node`` with the ``confidence`` in it (0 to 1) and its ``source`` (``both``,
    ``classes``, ``captions``), and all ``nodes`` that captions name or that are likely.
    """

    node: int
    confidence: float
    source: str
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class Classifying:
    """``posterior`` of the image's classes; ``caution`` in being specific without a caption; what
    says fewer ``bits`` gives way to captions.
    """

    posterior: Posterior
    caution: float
    bits: float

    def assigned(
        self, texts: Sequence[str], classes: Sequence[int], scores: Sequence[float]
    ) -> Assigned:
        """The node of an image with these captions and likely ``classes``."""
        likely = self.posterior.of_nodes(classes, scores)
        named = nouns(texts, likely)
        seen = {node: likely[node] for node in named if likely.get(node, 0.0) > senses.SURE}
        tree = self.posterior.tree
        if seen:
            node = max(seen, key=lambda of: (tree.depth[of], seen[of], -of))
            return Assigned(node, seen[node], "both", tuple(named))
        node = self.posterior.hedged(likely, self.caution) if likely else tree.number[ROOT]
        if named and self.posterior.bits(node) * likely.get(node, 0.0) < self.bits:
            node = max(named, key=lambda of: (named[of], tree.depth[of], -of))
            return Assigned(node, SAID * named[node], "captions", tuple(named))
        nodes = tuple(dict.fromkeys((*named, node)))
        return Assigned(node, likely.get(node, 0.0), "classes", nodes)


def nouns(
    texts: Sequence[str], likely: Mapping[int, float], words: Lexicon | None = None
) -> dict[int, float]:
    """The nodes that captions name, with how much they stress each: 1 of the first noun."""
    stress: dict[int, float] = {}
    for text in texts:
        weight = 1.0
        for mention in (words or lexicon()).mentions(text):
            node = senses.chosen(mention, likely)[0].node
            stress[node] = max(weight, stress.get(node, 0.0))
            weight *= PROMINENT
    return stress
