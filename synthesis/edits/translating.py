"""Translations: texts in English and Chinese that say the same, and the one language's other."""

from collections.abc import Iterator, Sequence
from random import Random

from synthesis.edits import naming
from synthesis.edits.edit import Change
from synthesis.edits.naming import Called
from synthesis.fonts.files import FontFile
from synthesis.job import Job
from synthesis.template.faces import class_of

OPERATION = "text.translate"
_TRIES = 16  # pairs of texts
_BOLD = 600  # weight of a face from which on it is a bold one
_SAID = 0.5  # share of instructions that say the translation, too


def into(language: str) -> str:
    """The language that texts of a language are translated into."""
    return "zh" if language == "en" else "en"


def alike(fonts: Sequence[FontFile], face: FontFile) -> Sequence[FontFile]:
    """Those of the fonts that look most like a face: of its class, and if there are, as bold."""
    of_class = [of for of in fonts if class_of(of.family) == class_of(face.family)]
    bold = face.weight >= _BOLD
    as_bold = [of for of in of_class or fonts if (of.weight >= _BOLD) == bold]
    return as_bold or of_class or fonts


def drawn(random: Random, job: Job, old: str) -> Iterator[tuple[str, str]]:
    """Some texts that may stand where the old one does, each with its translation."""
    for _ in range(_TRIES):
        english, chinese = random.choice(job.parallel)
        text, new = (english, chinese) if job.language == "en" else (chinese, english)
        if (
            naming.suits(old, text)
            and naming.is_short(text, job.language)
            and _is_sayable(new, job)
        ):
            yield text, new


def change(random: Random, job: Job, called: Called, new: str) -> Change:
    """What is said of a translation."""
    return Change(
        *(OPERATION, called.old, new if random.random() < _SAID else None, called.thing),
        place=called.place,
        language=into(job.language),
    )


def _is_sayable(text: str, job: Job) -> bool:
    return naming.is_short(text, into(job.language))
