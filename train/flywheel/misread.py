"""Which characters of a text were not read where they were asked for."""

from collections.abc import Iterable, Sequence

LONGEST = 4000  # characters of a text that are aligned
# What the benchmark of held-out strings says below the text that it read.
_ASIDE = "in another colour:"


def failed(asked: Sequence[str], read: str) -> tuple[str, ...]:
    """The characters of all texts that an alignment of the fewest edits leaves unmatched, in
    order: those that were read as others or not at all. Spaces do not count.
    """
    wanted, seen = plain(asked), plain([*_lines(read)])
    matched = {place for place, _ in _matched(wanted, seen)}
    return tuple(of for place, of in enumerate(wanted) if place not in matched)


def plain(texts: Iterable[str]) -> str:
    """All texts in a row, without spaces; what is too long is cut."""
    return "".join("".join(text.split()) for text in texts)[:LONGEST]


def _lines(read: str) -> Iterable[str]:
    return (line for line in read.split("\n") if not line.startswith(_ASIDE))


def _matched(wanted: str, seen: str) -> list[tuple[int, int]]:
    """Places of equal characters in an alignment by Levenshtein's distance."""
    rows = [list(range(len(seen) + 1))]
    for place, own in enumerate(wanted, 1):
        above, row = rows[-1], [place]
        for column, other in enumerate(seen, 1):
            changed = above[column - 1] + (own != other)
            row.append(min(changed, above[column] + 1, row[-1] + 1))
        rows.append(row)
    pairs, place, column = [], len(wanted), len(seen)
    while place and column:
        same = wanted[place - 1] == seen[column - 1]
        here = rows[place][column]
        if same and here == rows[place - 1][column - 1]:
            pairs.append((place - 1, column - 1))
            place, column = place - 1, column - 1
        elif here == rows[place - 1][column - 1] + 1:
            place, column = place - 1, column - 1
        elif here == rows[place - 1][column] + 1:
            place -= 1
        else:
            column -= 1
    return pairs[::-1]
