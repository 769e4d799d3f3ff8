"""Which faces a text is set in: one that can render it whole, chosen at random."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from random import Random

from synthesis.fonts.families import MONOSPACED
from synthesis.fonts.files import FontFile, entry, is_handwriting

Family = list[FontFile]
HANDWRITTEN_SHARE = 0.2  # where there are faces of both kinds
_MONOSPACED_SHARE = 0.15  # of the images where such faces are as likely as others


def choose(random: Random, faces: Sequence[FontFile], text: str) -> list[FontFile]:
    """The first face of a random order that can render all of the text; else several that together
    can, as few as the order allows.
    """
    needed = {ord(character) for character in text if not character.isspace()}
    tried: list[FontFile] = []
    for face in _ordered(random, faces):
        if needed <= _renderable(face):
            return [face]
        tried.append(face)
    chosen: list[FontFile] = []
    for face in tried:
        if needed & _renderable(face):
            chosen.append(face)
            needed -= _renderable(face)
    return chosen or tried


def _ordered(random: Random, faces: Sequence[FontFile]) -> Iterator[FontFile]:
    """Each family is as likely to be first as any other of its kind, handwritten or printed."""
    by_hand = random.random() < HANDWRITTEN_SHARE
    rare = random.random() >= _MONOSPACED_SHARE
    for families in _families(tuple(faces), by_hand, rare):
        for family in _in_random_order(random, families):
            yield from random.sample(family, len(family))


def _in_random_order(random: Random, families: Sequence[Family]) -> Iterator[Family]:
    """All of them in a random order, no more of which is found than is asked for."""
    left = list(families)
    while left:
        yield left.pop(random.randrange(len(left)))


@lru_cache(maxsize=32)
def _families(
    faces: tuple[FontFile, ...], by_hand: bool, rare: bool
) -> tuple[list[Family], list[Family]]:
    """The families of the kind asked for, and the others; where ``rare``, monospaced are others."""
    named: dict[str, list[FontFile]] = {}
    for face in faces:
        named.setdefault(face.family, []).append(face)
    wanted: list[Family] = []
    others: list[Family] = []
    for name, family in named.items():
        monospaced = any(word in name for word in MONOSPACED)
        other = is_handwriting(family[0]) != by_hand or (rare and monospaced)
        (others if other else wanted).append(family)
    return wanted, others


@cache
def _renderable(face: FontFile) -> frozenset[int]:
    """The code points the face has ink for."""
    return entry(face).renderable
