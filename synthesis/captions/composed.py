"""Captions composed from the scene graph: what is seen, where it lies, and every text in turn."""

from itertools import groupby
from random import Random

from curation.picture.colours import Colour
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
from synthesis.captions.places import beside, place
from synthesis.captions.roles import entry_name, role_name
from synthesis.description import Description, Group, Name, Words


def compose(random: Random, language: str, description: Description) -> str:
    """The caption of a scene or a design in ``en`` or ``zh``: every text once, in its order."""
    phrases = sentences.SENTENCES[language]
    inks = {words.ink for words in description.words}
    (single,) = inks if len(inks) == 1 else (None,)
    slots = _slots(language, description, single)
    parts = [random.choice(phrases.openings[description.image_type]).format(**slots)]
    if description.surroundings:
        parts.append(random.choice(phrases.settings).format(**slots))
    if description.layout:
        parts.append(random.choice(phrases.layouts).format(**slots))
    about_ink = (
        phrases.one_ink if single else phrases.many_inks if len(inks) > 1 else phrases.no_ink
    )
    parts.append(random.choice(about_ink).format(**slots))
    texts = [words.text for words in description.words]
    before: Group | None = None
    for group in description.groups or [Group(((words,),)) for words in description.words]:
        parts.append(_sentence(random, language, group, before, texts, with_ink=single is None))
        before = group
    if description.details:
        parts.append(random.choice(phrases.details).format(**slots))
    return phrases.between.join(parts)


def _slots(language: str, description: Description, ink: Colour | None) -> dict[str, str]:
    """What the sentences about the whole image may name, also with a capital letter."""
    surroundings = _noun(language, description.surroundings)
    details = listed(language, [_noun(language, detail) for detail in description.details])
    many = len(description.details) > 1 or is_plural(details or "one")
    slots = {
        "kind": description.kind.name(language),
        "a_kind": _a_kind(language, description.kind),
        "with_ground": _with_ground(language, description),
        "surroundings": surroundings,
        "are": "are" if surroundings and is_plural(surroundings) else "is",
        "details": details,
        "there_are": "are" if many else "is",
        "layout": description.layout.name(language) if description.layout else "",
        "written": sentences.WRITTEN[language][description.writing],
        "ink": ink.name(language) if ink else "",
    }
    return slots | {capitalised(key): capitalised(value) for key, value in slots.items()}


def _with_ground(language: str, description: Description) -> str:
    """How the kind goes on: with what the texts stand on, where its colour can be named.

    A map with a legend has no second ``with``.
    """
    if description.background is None:
        return ""
    surface = description.surface or sentences.SURFACES[description.image_type]
    texture = description.texture.name(language) if description.texture else ""
    colour = description.background.name(language)
    if language == "zh":
        looks = colour + ("渐变" if description.gradient else "")
        looks += f"、带有{texture}" if texture else ""
        return f"，{looks}的{surface.chinese}"
    looks = f"{colour} gradient" if description.gradient else colour
    ground = with_article(f"{looks} {surface.english}")
    before = ", which has " if " with " in description.kind.english else " with "
    return before + ground + (f" with {texture}" if texture else "")


def _a_kind(language: str, kind: Name) -> str:
    return with_article(kind.english) if language == "en" else with_measure_word(kind.chinese)


def _noun(language: str, name: Name | None) -> str:
    if name is None:
        return ""
    return with_article(name.english) if language == "en" else name.chinese


def _sentence(
    random: Random,
    language: str,
    group: Group,
    before: Group | None,
    texts: list[str],
    *,
    with_ink: bool,
) -> str:
    """One sentence that says what a group is, where, in which ink, and quotes its texts."""
    phrases = sentences.SENTENCES[language]
    where, rows = _where(language, group, before), group.rows
    columns = _columns(rows, with_ink=with_ink)
    sentence = random.choice(_patterns(phrases, group, columns)[where is not None]).format(
        where=where,
        Where=capitalised(where or ""),
        role=_roles(language, columns, rows),
        count=sentences.counted(language, len(rows)),
        Count=capitalised(sentences.counted(language, len(rows))),
        entry=entry_name(language, group.entry, len(rows)),
        quoted=_quoted(language, rows, texts),
    )
    return sentence if ends_a_sentence(rows[-1][-1].text) else sentence + phrases.stop


Rows = tuple[tuple[Words, ...], ...]
Column = tuple[str, Colour | None]  # a role, and the ink that all its texts have


def _columns(rows: Rows, *, with_ink: bool) -> list[Column]:
    """What the texts of every row are: one role for all of them, or as many as a row has texts;
    none where rows differ.
    """
    if len({words.role for row in rows for words in row}) == 1:
        columns = [[words for row in rows for words in row]]
    elif len({tuple(words.role for words in row) for row in rows}) == 1:
        columns = [list(column) for column in zip(*rows, strict=True)]
    else:
        return []
    return [(column[0].role, _ink(column) if with_ink else None) for column in columns]


def _ink(words: list[Words]) -> Colour | None:
    """The ink all the words share."""
    return words[0].ink if len({word.ink for word in words}) == 1 else None


def _patterns(
    phrases: sentences.Sentences, group: Group, columns: list[Column]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if len(group.rows) == 1:
        return phrases.single
    if max(map(len, group.rows)) == 1 and columns:
        return phrases.several
    return (phrases.mixed, phrases.tables, phrases.rows)[min(len(columns), 2)]


def _roles(language: str, columns: list[Column], rows: Rows) -> str:
    """The roles of a row's texts, each with its ink; neighbours that are alike are counted."""
    phrases = sentences.SENTENCES[language]
    roles = []
    for (role, ink), same in groupby(columns):
        alike = len([*same])
        count = alike if len(columns) > 1 else sum(map(len, rows))
        name = phrases.in_ink.format(ink=ink.name(language)) if ink else ""
        name += role_name(language, role, count)
        if alike > 1:
            name = phrases.counted.format(count=sentences.counted(language, alike), role=name)
        elif len(columns) > 1 and language == "en":
            name = with_article(name)
        roles.append(name)
    return listed(language, roles)


def _quoted(language: str, rows: Rows, texts: list[str]) -> str:
    quotes = [[quoted(language, words.text, texts) for words in row] for row in rows]
    if max(map(len, quotes)) == 1:
        return listed(language, [quote for row in quotes for quote in row])
    phrases = sentences.SENTENCES[language]
    return phrases.between_rows.join(phrases.between_cells.join(row) for row in quotes)


def _where(language: str, group: Group, before: Group | None) -> str | None:
    """The place in the grid; beside or below its neighbour where both are in one cell."""
    words = [word for row in group.rows for word in row]
    here = place(language, words)
    if before is None or here is None:
        return here
    earlier = [word for row in before.rows for word in row]
    if here != place(language, earlier):
        return here
    return beside(language, earlier, words[0]) or here
