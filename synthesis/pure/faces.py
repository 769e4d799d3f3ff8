"""Which faces a text is set in: one that can draw it whole, chosen at random."""

from collections.abc import Iterator, Sequence
from functools import cache
from random import Random

from synthesis.fonts.files import FontFile, entry, is_handwriting

HANDWRITTEN_SHARE = 0.2  # where there are faces of both kinds
_MONOSPACED_SHARE = 0.15  # of the pictures where such faces are as likely as others
_MONOSPACED = ("Mono", "Math", "Typewriter")  # in a family's name


def choose(random: Random, faces: Sequence[FontFile], text: str) -> list[FontFile]:
    """The first face of a random order that can draw all of the text; else several that together
    can, as few as the order allows.
    """
    needed = {ord(one) for one in text if not one.isspace()}
    tried: list[FontFile] = []
    for face in _ordered(random, faces):
        if needed <= _drawable(face):
            return [face]
        tried.append(face)
    chosen: list[FontFile] = []
    for face in tried:
        if needed & _drawable(face):
            chosen.append(face)
            needed -= _drawable(face)
    return chosen or tried


def _ordered(random: Random, faces: Sequence[FontFile]) -> Iterator[FontFile]:
    """Each family is as likely to be first as any other of its kind, handwritten or printed."""
    by_hand = random.random() < HANDWRITTEN_SHARE
    rare = random.random() >= _MONOSPACED_SHARE
    families: dict[str, list[FontFile]] = {}
    for face in faces:
        families.setdefault(face.family, []).append(face)
    names = list(families)
    random.shuffle(names)
    last = {name for name in names if rare and any(word in name for word in _MONOSPACED)}
    names.sort(key=lambda name: is_handwriting(families[name][0]) != by_hand or name in last)
    for name in names:
        yield from random.sample(families[name], len(families[name]))


@cache
def _drawable(face: FontFile) -> frozenset[int]:
    """The code points the face has ink for."""
    return entry(face).drawable
