"""Translations: texts in English and Chinese that say the same, and the one language's other."""

from collections.abc import Collection, Sequence
from random import Random

from synthesis.corpus.translations import TextKind
from synthesis.edits import naming
from synthesis.edits.edit import Change
from synthesis.edits.naming import Called
from synthesis.fonts.files import FontFile
from synthesis.job import Job
from synthesis.template.faces import class_of, is_slanted

OPERATION = "text.translate"
_TRIES = 16  # pairs of texts
_BOLD = 600  # weight of a face from which on it is a bold one
_SAID = 0.5  # share of instructions that say the translation, too


def into(language: str) -> str:
    """The language that texts of a language are translated into."""
    return "zh" if language == "en" else "en"


def alike(fonts: Sequence[FontFile], face: FontFile) -> Sequence[FontFile]:
    """Those of the fonts that look most like a face: of its class, and if there are, as bold and
    as upright or slanted.
    """
    near = [of for of in fonts if class_of(of.family) == class_of(face.family)] or fonts
    near = [of for of in near if (of.weight >= _BOLD) == (face.weight >= _BOLD)] or near
    return [of for of in near if is_slanted(of) == is_slanted(face)] or near


def drawn(
    random: Random, job: Job, old: str, kinds: Collection[TextKind]
) -> Sequence[tuple[str, str]]:
    """Some texts of the kinds that may stand where the old one does, each with its translation.

    Those of no known kind are of every kind.
    """
    known = [each.out_of(job.language) for kind in kinds for each in job.translations.get(kind, ())]
    known += [each.out_of(job.language) for each in job.translations.get(None, ()) if kinds]
    pairs = [
        (text, new)
        for text, new in known
        if naming.suits(old, text)
        and naming.is_short(text, job.language)
        and naming.is_short(new, into(job.language))
    ]
    return random.sample(pairs, min(_TRIES, len(pairs)))


def change(random: Random, job: Job, called: Called, new: str) -> Change:
    """What is said of a translation."""
    return Change(
        *(OPERATION, called.old, new if random.random() < _SAID else None, called.thing),
        place=called.place,
        language=into(job.language),
    )
