"""Nouns of captions in both languages, and which of its senses each has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonomy import senses
from taxonomy.lexicon import lexicon
from taxonomy.nodes import nouns
from taxonomy.tree import tree

NODES = tree()


def named(text: str, **likely: float) -> list[str]:
    seen = {NODES.number[node]: probability for node, probability in likely.items()}
    return [NODES.ids[node] for node in nouns([text], seen)]


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("A hot dog on a plate", ["n07697537"]),  # no dog
        ("three mice and a Dalmatian", ["n02330245", "n02110341"]),
        ("two wolves, foxes and churches", ["n02114100", "n02118333", "n03028079"]),
        ("一张松鼠鳜鱼的照片", ["chinese_dish"]),  # neither a squirrel nor a fish
        ("桌上有苹果和香蕉", ["n07739125", "n07753592"]),
        ('a sign that says "cats and dogs"', ["n04217882"]),
        ("一只狗和一只猫在树下", ["n02084071", "n02121620", "n13104059"]),
        ("写着“苹果”的招牌", ["n04217882"]),
        ("a man and his dogs", ["n10287213", "n02084071"]),  # no animal, the man
        ("the dog's bone isn't here", ["n02084071"]),
        ("a poster of a waterfall", ["poster", "n09475292"]),
        ("WATERFALL; Ｗaterfall", ["n09475292"]),  # one node, in capitals and in full width
        ("", []),
    ],
)
def test_nodes_that_captions_name(text: str, nodes: list[str]) -> None:
    every = named(text)
    assert [node for node in every if node in nodes] == nodes
    assert set(every) & {"n02121620", "n02355227"} <= set(nodes)  # cat, squirrel


def test_the_image_chooses_among_senses() -> None:
    bird, machine = "n02012849", "n03126707"
    assert named("a crane") == [bird]
    assert named("a crane", n03126707=0.6, n02012849=0.1) == [machine]
    assert named("a crane", n03126707=senses.SURE / 2) == [bird]  # not sure enough


def test_a_name_in_capitals_is_chosen_where_it_is_written_so() -> None:
    assert named("a dalmatian") != named("a Dalmatian") or named("a Dalmatian") == ["n02110341"]


@given(st.text(max_size=60))
def test_any_text_has_mentions_where_they_stand(text: str) -> None:
    places = [mention.start for mention in lexicon().mentions(text)]
    assert places == sorted(places)
    assert all(mention.senses for mention in lexicon().mentions(text))


def test_the_first_noun_is_stressed_most() -> None:
    of = nouns(["a zebra beside a lion and a giraffe"], {})
    assert list(of.values()) == sorted(of.values(), reverse=True) and len(of) == 3
