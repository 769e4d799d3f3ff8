"""What an image shows, by what a classifier takes for likely: a class, its kind, or nothing.

The names are ours, ``data/class_names.tsv``: of each of ImageNet's classes how a caption calls it
in English and Chinese, and of what everyday kind it is; ``data/class_kinds.tsv`` has the kinds, the
wider kind that each belongs to, how probable a class of it has to be to be named (``sure``), and
whether the kind itself is ever named (``said``): "an object" says nothing, and who sees clothes
sees first who wears them. A kind of which the world has many more than the list, such as birds,
asks for more: what is not in the list is taken for its nearest neighbour, with confidence.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data"
KIND_SURE = 0.82  # probability of all classes of a kind together, from which on it is named
_NEVER, _NONE = "-", "-"


@dataclass(frozen=True)
class Noun:
    """``english`` with its article, as "a tabby cat" or "sunglasses"; ``chinese`` with its measure
    word, as "一只虎斑猫".
    """

    english: str
    chinese: str

    @property
    def chinese_bare(self) -> str:
        """Without number and measure word, which says nothing of how many there are."""
        return self.chinese[2:]


@dataclass(frozen=True)
class Kind:
    """``sure`` is the probability that one of its classes needs to be named, None: none ever is;
    ``is_said``: whether it is named itself.
    """

    noun: Noun
    wider: str | None
    sure: float | None
    is_said: bool


@dataclass(frozen=True)
class ClassName:
    """A class: its number in WordNet 3.0, what it is called, and its kind's English name."""

    wordnet: str
    noun: Noun
    kind: str


@cache
def class_names() -> tuple[ClassName, ...]:
    """The 1000 classes, in the classifier's order."""
    return tuple(
        ClassName(line["wordnet"], Noun(line["english"], line["chinese"]), line["kind"])
        for line in _lines("class_names.tsv")
    )


@cache
def kinds() -> dict[str, Kind]:
    """The kinds by their English names."""
    return {
        line["english"]: Kind(
            Noun(line["english"], line["chinese"]),
            None if line["wider"] == _NONE else line["wider"],
            None if line["sure"] == _NEVER else float(line["sure"]),
            line["said"] == "yes",
        )
        for line in _lines("class_kinds.tsv")
    }


def _lines(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def above(kind: str) -> Iterator[Kind]:
    """A kind and those that are wider, the narrowest first."""
    name: str | None = kind
    while name is not None:
        yield kinds()[name]
        name = kinds()[name].wider


def subject(classes: Sequence[int], scores: Sequence[float], more: float = 0.0) -> Noun | None:
    """What to name: the likeliest class if it is sure, else the narrowest sure kind, else None.

    ``classes`` are numbers 0 to 999 with their probabilities; every bound is raised by ``more``.
    Classes that are called the same count together.
    """
    by_name: dict[str, float] = {}
    by_kind: dict[str, float] = {}
    named: dict[str, ClassName] = {}
    for number, score in zip(classes, scores, strict=False):
        if not 0 <= number < len(class_names()) or not score > 0:
            continue
        of = class_names()[number]
        named.setdefault(of.noun.english, of)
        by_name[of.noun.english] = by_name.get(of.noun.english, 0.0) + score
        for kind in above(of.kind):
            by_kind[kind.noun.english] = by_kind.get(kind.noun.english, 0.0) + score
    if not by_name:
        return None
    likeliest, probability = max(by_name.items(), key=lambda item: item[1])
    best = named[likeliest]
    sure = kinds()[best.kind].sure
    if sure is not None and probability >= min(sure + more, 0.99):
        return best.noun
    for kind in above(best.kind):
        if kind.is_said and by_kind[kind.noun.english] >= KIND_SURE + more:
            return kind.noun
    return None
