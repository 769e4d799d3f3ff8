"""Captions composed from the scene graph: what is seen, where it lies, and every text in turn.

Neighbours of one role and ink are told together, so that a slide with a dozen texts reads as prose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from synthesis.captions import sentences
from synthesis.captions.grammar import (
    capitalised,
    ends_a_sentence,
    is_plural,
    listed,
    quoted,
    with_article,
    with_measure_word,
)
from synthesis.captions.places import cell, place
from synthesis.captions.roles import role_name
from synthesis.description import Description, Name, Words

MOST_TOGETHER = 8  # texts in one sentence
_LONG = 60  # characters: a text this long has a sentence of its own


@dataclass(frozen=True)
class Group:
    """Neighbouring texts told in one sentence: of one role and one ink."""

    words: tuple[Words, ...]


def groups(words: tuple[Words, ...]) -> Iterator[Group]:
    """The texts in their order, neighbours of one role and ink together unless they are long."""
    together: list[Words] = []
    for one in words:
        if together and (len(together) == MOST_TOGETHER or not _alike(together[-1], one)):
            yield Group(tuple(together))
            together = []
        together.append(one)
    yield Group(tuple(together))


def _alike(one: Words, other: Words) -> bool:
    same = (one.role, one.ink.english) == (other.role, other.ink.english)
    return same and max(len(one.text), len(other.text)) < _LONG


def compose(random: Random, language: str, description: Description) -> str:
    """The caption of a scene or a design in ``en`` or ``zh``: every text once, in its order."""
    told = sentences.SENTENCES[language]
    inks = {one.ink.english: one.ink.name(language) for one in description.words}
    single = next(iter(inks.values())) if len(inks) == 1 else None
    slots = _slots(language, description, single)
    parts = [random.choice(told.openings[description.image_type]).format(**slots)]
    if description.surroundings:
        parts.append(random.choice(told.settings).format(**slots))
    if description.layout:
        parts.append(random.choice(told.layouts).format(**slots))
    parts.append(random.choice(told.one_ink if single else told.many_inks).format(**slots))
    texts = [one.text for one in description.words]
    before: Group | None = None
    for group in groups(description.words):
        parts.append(_told(random, language, group, before, texts, with_ink=single is None))
        before = group
    if description.details:
        parts.append(random.choice(told.details).format(**slots))
    return told.between.join(parts)


def _slots(language: str, description: Description, ink: str | None) -> dict[str, str]:
    """What the sentences about the whole picture may name, also with a capital letter."""
    background = description.background.name(language)
    surroundings = _noun(language, description.surroundings)
    details = listed(language, [_noun(language, one) for one in description.details])
    many = len(description.details) > 1 or is_plural(details or "one")
    texture = description.texture.name(language) if description.texture else ""
    if description.gradient:
        background = f"{background} gradient" if language == "en" else f"{background}渐变"
    if language == "en":
        ground = with_article(f"{background} {{surface}}") + (f" with {texture}" if texture else "")
    else:
        ground = background + (f"、带有{texture}" if texture else "") + "的{surface}"
    surface = sentences.SURFACES[language][description.image_type]
    slots = {
        "kind": description.kind.name(language),
        "a_kind": _a_kind(language, description.kind),
        "ground": ground.format(surface=surface),
        "surroundings": surroundings,
        "are": "are" if surroundings and is_plural(surroundings) else "is",
        "details": details,
        "there_are": "are" if many else "is",
        "layout": description.layout.name(language) if description.layout else "",
        "written": sentences.WRITTEN[language][description.writing],
        "ink": ink or "",
    }
    return slots | {capitalised(key): capitalised(value) for key, value in slots.items()}


def _a_kind(language: str, kind: Name) -> str:
    return with_article(kind.english) if language == "en" else with_measure_word(kind.chinese)


def _noun(language: str, name: Name | None) -> str:
    if name is None:
        return ""
    return with_article(name.english) if language == "en" else name.chinese


def _told(
    random: Random,
    language: str,
    group: Group,
    before: Group | None,
    texts: list[str],
    *,
    with_ink: bool,
) -> str:
    """One sentence that says what a group is, where, in which ink, and quotes its texts."""
    told = sentences.SENTENCES[language]
    where = _where(language, group, before)
    count = len(group.words)
    pattern = random.choice((told.several if count > 1 else told.one)[where is not None])
    ink = told.in_ink.format(ink=group.words[0].ink.name(language)) if with_ink else ""
    sentence = pattern.format(
        where=where,
        Where=capitalised(where or ""),
        role=role_name(language, group.words[0].role, count),
        in_ink=ink,
        count=sentences.counted(language, count),
        Count=capitalised(sentences.counted(language, count)),
        quoted=listed(language, [quoted(language, one.text, texts) for one in group.words]),
    )
    return sentence if ends_a_sentence(group.words[-1].text) else sentence + told.stop


def _where(language: str, group: Group, before: Group | None) -> str | None:
    """The place in the grid; beside or below its neighbour where both are in one cell."""
    here = place(language, group.words)
    if before is None or here is None or here != place(language, before.words):
        return here
    last, first = before.words[-1], group.words[0]
    if cell(last) != cell(first):
        return here
    told = sentences.SENTENCES[language]
    return told.below if first.down > last.down + sentences.LINE else told.beside
