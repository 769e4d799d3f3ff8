"""Which texts of a layout belong together: what the template says, wherever their boxes lie.

The entries of a list belong together, and so do neighbours that are called the same ``entry``
(pairs of a label and its value), neighbouring texts of one role (two buttons), and the rows of a
grid that has an ``entry`` (weeks of a calendar). An entry that holds lists of entries itself is
told by itself, list by list.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from synthesis.description import Group, Words
from synthesis.template.expanding import Part

_LONG = 60  # characters: a text this long is told by itself
Texts = Mapping[int, Words]  # by the part's id


def groups(part: Part, texts: Texts) -> Iterator[Group]:
    """The texts of a part and of all below it, in reading order."""
    if id(part) in texts:
        yield Group(((texts[id(part)],),))
    elif part.kind == "grid" and part.node.entry:
        yield from _grouped(_rows_of_grid(part), part.node.entry, texts)
    else:
        children = [child for child in part.children if _count(child)]
        for shared, same in groupby(children, key=lambda child: _list(child, texts)):
            entries = list(same)
            if shared is None:
                yield from (group for entry in entries for group in groups(entry, texts))
            else:
                yield from _grouped([[entry] for entry in entries], entries[0].node.entry, texts)


def _list(part: Part, texts: Texts) -> object:
    """What the entries of one list share; ``None`` for a part that is no entry."""
    if part.node.each:
        return id(part.node)
    if id(part) in texts:
        return (texts[id(part)].role,)
    return part.node.entry if part.kind != "grid" else None


def _rows_of_grid(part: Part) -> list[list[Part]]:
    columns = part.node.columns[0]
    starts = range(0, len(part.children), columns)
    return [part.children[start : start + columns] for start in starts]


def _grouped(entries: Sequence[Sequence[Part]], name: str | None, texts: Texts) -> Iterator[Group]:
    """One group of rows, unless an entry alone fills a sentence or more."""
    rows = [tuple(text for part in entry for text in _texts(part, texts)) for entry in entries]
    rows = [row for row in rows if row]
    flat = not any(_holds_entries(part, texts) for entry in entries for part in entry)
    short = max((len(words.text) for row in rows for words in row), default=0) < _LONG
    if len(rows) > 1 and flat and short:
        yield Group(tuple(rows), name)
        return
    for part in (part for entry in entries for part in entry):
        yield from groups(part, texts)


def _texts(part: Part, texts: Texts) -> Iterator[Words]:
    if id(part) in texts:
        yield texts[id(part)]
    for child in part.children:
        yield from _texts(child, texts)


def _holds_entries(part: Part, texts: Texts) -> bool:
    """Whether lists below it have entries of several texts."""
    return any(
        (_list(child, texts) is not None and _count(child) > 1) or _holds_entries(child, texts)
        for child in part.children
    )


def _count(part: Part) -> int:
    """How many texts there are."""
    return (part.style is not None) + sum(_count(child) for child in part.children)
