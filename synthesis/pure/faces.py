"""Which faces a text is set in: one that can draw it whole, chosen at random."""

from collections.abc import Sequence
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
    ordered = _ordered(random, faces)
    needed = {ord(one) for one in text if not one.isspace()}
    for face in ordered:
        if needed <= _drawable(face):
            return [face]
    chosen: list[FontFile] = []
    for face in ordered:
        if needed & _drawable(face):
            chosen.append(face)
            needed -= _drawable(face)
    return chosen or ordered


def _ordered(random: Random, faces: Sequence[FontFile]) -> list[FontFile]:
    """Each family is as likely to be first as any other of its kind, handwritten or printed."""
    by_hand = random.random() < HANDWRITTEN_SHARE
    rare = random.random() >= _MONOSPACED_SHARE
    families: dict[str, list[FontFile]] = {}
    for face in faces:
        families.setdefault(face.family, []).append(face)
    names = list(families)
    random.shuffle(names)
    for name in names:
        random.shuffle(families[name])
    last = {name for name in names if rare and any(word in name for word in _MONOSPACED)}
    names.sort(key=lambda name: is_handwriting(families[name][0]) != by_hand or name in last)
    return [face for name in names for face in families[name]]


@cache
def _drawable(face: FontFile) -> frozenset[int]:
    """The code points the face has ink for."""
    return entry(face).drawable
