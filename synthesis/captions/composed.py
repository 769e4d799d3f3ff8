"""Captions composed from the scene graph: what is seen, where it lies, and every text in turn."""

from itertools import groupby
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
from synthesis.captions.grouping import Group, groups, kind
from synthesis.captions.places import cell, place
from synthesis.captions.roles import role_name
from synthesis.description import Description, Name


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
        "with_ground": _with(description.kind) + ground.format(surface=surface),
        "surroundings": surroundings,
        "are": "are" if surroundings and is_plural(surroundings) else "is",
        "details": details,
        "there_are": "are" if many else "is",
        "layout": description.layout.name(language) if description.layout else "",
        "written": sentences.WRITTEN[language][description.writing],
        "ink": ink or "",
    }
    return slots | {capitalised(key): capitalised(value) for key, value in slots.items()}


def _with(kind: Name) -> str:
    """How the ground follows an English kind: a map with a legend has no second ``with``."""
    return ", which has " if " with " in kind.english else " with "


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
    rows = group.rows
    patterns = told.rows if group.columns > 1 else told.several if len(rows) > 1 else told.one
    count = sentences.counted(language, len(rows))
    sentence = random.choice(patterns[where is not None]).format(
        where=where,
        Where=capitalised(where or ""),
        role=listed(language, _roles(language, group, with_ink)),
        count=count,
        Count=capitalised(count),
        unit=told.units[group.columns > 2],
        quoted=_quoted(language, group, texts),
    )
    return sentence if ends_a_sentence(group.words[-1].text) else sentence + told.stop


def _roles(language: str, group: Group, with_ink: bool) -> list[str]:
    """The roles of a row's texts, each with its ink; neighbours that are alike are counted."""
    in_ink = sentences.SENTENCES[language].in_ink if with_ink else ""
    alike = [[*same] for _, same in groupby(group.rows[0], key=kind)]
    found = []
    for same in alike:
        count = len(group.rows) if group.columns == 1 else len(same)
        role = in_ink.format(ink=same[0].ink.name(language))
        role += role_name(language, same[0].role, count)
        several = sentences.SENTENCES[language].counted.format(
            count=sentences.counted(language, count), role=role
        )
        found.append(several if len(same) > 1 else role)
    return found


def _quoted(language: str, group: Group, texts: list[str]) -> str:
    quotes = [[quoted(language, one.text, texts) for one in row] for row in group.rows]
    if group.columns == 1:
        return listed(language, [one for row in quotes for one in row])
    told = sentences.SENTENCES[language]
    return told.between_rows.join(told.between_cells.join(row) for row in quotes)


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
