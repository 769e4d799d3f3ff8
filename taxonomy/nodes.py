"""The node of an image: by its classes and kind, by its captions, or by both where they agree.

Captions name things, the image chooses among their senses and says which of them it shows. Where
captions name nothing that the classes know of, classes and kind alone say what they are sure of,
be it little; where they are not sure, what the captions name stands, with less confidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taxonomy import rendered, senses
from taxonomy.kinds import KINDS
from taxonomy.lexicon import Lexicon, lexicon
from taxonomy.photographs import sharpened
from taxonomy.posterior import Posterior
from taxonomy.tree import ROOT

BOTH, CLASSES, KIND, SAYS, FACES, SYNTHETIC = SOURCES = (
    *("both", "classes", "kind", "captions", "faces", "synthetic"),
)
SAID = 0.5  # confidence in what captions say and no class says anything of
IS_PICTURE = 0.5
PROMINENT = 0.8  # of the share of the first noun: later ones count less


@dataclass(frozen=True)
class Assigned:
    """An image's ``node`` with the ``confidence`` in it (0 to 1) and its ``source`` (one of
    ``SOURCES``), and all ``nodes`` that captions name or that are likely.
    """

    node: int
    confidence: float
    source: str
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class Classifying:
    """``posterior`` of the image's classes, with ``KINDS`` but the first as the last of its leaves;
    ``caution`` in being specific without a caption, and how ``sure`` a node must be without one,
    ``sure_of_photograph`` that of a photograph, of which probabilities are taken at a
    ``temperature``; what says fewer ``bits`` gives way to captions.
    """

    posterior: Posterior
    caution: float
    bits: float
    sure: float = 0.0
    sure_of_photograph: float = 0.0
    temperature: float = 1.0

    def assigned(
        self,
        texts: Sequence[str],
        classes: Sequence[int],
        scores: Sequence[float],
        kinds: Sequence[float] = (1.0,),
        *,
        is_photograph: bool = False,
    ) -> Assigned:
        """The node of an image with these captions and likely ``classes``: those of what it shows
        where it is a picture, the first of the ``kinds``.
        """
        tree, root = self.posterior.tree, self.posterior.tree.number[ROOT]
        shown = self._likely(classes, scores, (1.0,))
        named = nouns(texts, shown)
        if seen := {of: shown[of] for of in named if shown.get(of, 0.0) > senses.SURE}:
            node = max(seen, key=lambda of: (tree.depth[of], seen[of], -of))
            return Assigned(node, seen[node], BOTH, tuple(named))
        # a caption makes a picture of what is likelier one than not, and asks for bits instead
        sure = 0.0 if named else self.sure
        if is_photograph and not named:
            scores, sure = sharpened(scores, self.temperature), self.sure_of_photograph
        likely = shown if named and kinds[0] >= IS_PICTURE else self._likely(classes, scores, kinds)
        node = self.posterior.hedged(likely, self.caution, sure) if likely else root
        probability = likely.get(node, 0.0)
        if named and self.posterior.bits(node) * probability < self.bits:
            node = max(named, key=lambda of: (named[of], tree.depth[of], -of))
            return Assigned(node, SAID * named[node], SAYS, tuple(named))
        nodes = tuple(dict.fromkeys((*named, *((node,) if node != root else ()))))
        by_kind = self._likely((), (), kinds).get(node, 0.0)
        return Assigned(node, probability, KIND if by_kind > probability / 2 else CLASSES, nodes)

    def _likely(
        self, classes: Sequence[int], scores: Sequence[float], kinds: Sequence[float]
    ) -> dict[int, float]:
        """Probabilities by node: of classes where it is a picture, else of the other kinds."""
        first = len(self.posterior.leaves) - len(KINDS) + 1
        shown = [kinds[0] * score for score in scores]
        others = range(first, first + len(kinds) - 1)
        return self.posterior.of_nodes([*classes, *others], [*shown, *kinds[1:]])

    def of_rendered(self, texts: Sequence[str]) -> Assigned:
        """The node of an image that was rendered, with captions that say exactly what it is."""
        node = rendered.node(texts)
        return Assigned(node, 1.0, SYNTHETIC, tuple(dict.fromkeys((node, *nouns(texts, {})))))


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
