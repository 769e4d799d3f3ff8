"""Translations: texts in English and Chinese that say the same, and the one language's other."""

from collections.abc import Iterator
from random import Random

from synthesis.edits import naming
from synthesis.edits.edit import Change
from synthesis.edits.naming import Called
from synthesis.job import Job

OPERATION = "text.translate"
_TRIES = 16  # pairs of texts
_SAID = 0.5  # share of instructions that say the translation, too


def into(language: str) -> str:
    """The language that texts of a language are translated into."""
    return "zh" if language == "en" else "en"


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
