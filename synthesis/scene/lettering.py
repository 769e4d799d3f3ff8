"""Which faces suit the lettering of a medium."""

from functools import cache
from random import Random

from synthesis.fonts.families import MONOSPACED
from synthesis.fonts.files import FontFile, covers, is_handwriting
from synthesis.job import Job
from synthesis.scene.medium import Lettering


def faces(random: Random, job: Job, lettering: Lettering, text: str) -> tuple[FontFile, ...]:
    """The first face that has every character, else all, in an order in which those that suit the
    lettering best come first, a family at a time.
    """
    needed = text.replace("\n", "")
    ordered: list[FontFile] = []
    for families in _ranked(job.fonts, lettering):
        for family in random.sample(families, len(families)):
            for face in random.sample(family, len(family)):
                if covers(face, needed):
                    return (face,)
                ordered.append(face)
    return tuple(ordered)


@cache
def _ranked(
    fonts: tuple[FontFile, ...], lettering: Lettering
) -> tuple[tuple[tuple[FontFile, ...], ...], ...]:
    """The faces by how well they suit, the best first, and within that by family."""
    ranks: dict[int, dict[str, list[FontFile]]] = {}
    for face in fonts:
        families = ranks.setdefault(_unfitness(face, lettering), {})
        families.setdefault(face.family, []).append(face)
    return tuple(
        tuple(tuple(family) for family in families.values())
        for _, families in sorted(ranks.items())
    )


def _unfitness(face: FontFile, lettering: Lettering) -> int:
    """0 for a face that suits, more for one that does so less."""
    name = f"{face.family} {face.style} {face.postscript}"
    slanted = any(word in name for word in ("Italic", "Oblique"))
    serif = any(word in name for word in ("Serif", "Roman", "C059", "P052", "Bookman", "Song"))
    odd = any(word in name for word in MONOSPACED)
    hand = is_handwriting(face)
    if lettering == "hand":
        return 0 if hand else 1 + 4 * odd + 2 * (not slanted) + (face.weight > 600)
    if lettering == "sign":
        return 2 * (odd or hand) + serif + slanted + (face.weight < 600)
    if lettering == "book":
        return 2 * (odd or hand) + slanted + (face.weight > 600) * (not serif)
    if lettering == "plain":
        return 2 * (hand or "Math" in name) + slanted + (face.weight < 400)
    return int(odd)
