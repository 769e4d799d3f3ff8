"""Which texts of a picture are told in one sentence.

Neighbours of one role and ink are told together, and so are rows of a label and its value or of a
table, so that a slide with a dozen texts reads as prose.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from synthesis.description import Words

MOST_TOGETHER = 8  # texts of one role in a sentence
MOST_IN_ROWS = 24  # texts of several roles in a sentence
MOST_COLUMNS = 6
_LONG = 60  # characters: a text this long has a sentence of its own


@dataclass(frozen=True)
class Group:
    """Neighbouring texts told in one sentence: all of one role and ink, or rows of ``columns``
    texts in which every column has its own (a label with its value, the lines of a table).
    """

    words: tuple[Words, ...]
    columns: int = 1

    @property
    def rows(self) -> tuple[tuple[Words, ...], ...]:
        """The texts row by row."""
        starts = range(0, len(self.words), self.columns)
        return tuple(self.words[start : start + self.columns] for start in starts)


def groups(words: tuple[Words, ...]) -> Iterator[Group]:
    """The texts in their order, those that are alike or repeat in rows together."""
    start = 0
    while start < len(words):
        counts = {width: _repeats(words, start, width) for width in range(1, MOST_COLUMNS + 1)}
        columns = next((width for width, count in counts.items() if count > 1), 1)
        end = start + columns * counts[columns]
        yield Group(words[start:end], columns)
        start = end


def _repeats(words: tuple[Words, ...], start: int, width: int) -> int:
    """How often the roles and inks of the next ``width`` texts come in a row; long texts do not."""
    most = MOST_TOGETHER if width == 1 else MOST_IN_ROWS // width
    first = words[start : start + width]
    count = 1
    while count < most:
        other = words[start + count * width : start + (count + 1) * width]
        alike = [kind(one) for one in first] == [kind(one) for one in other]
        if not alike or max(len(one.text) for one in (*first, *other)) >= _LONG:
            break
        count += 1
    return count


def kind(words: Words) -> tuple[str, str]:
    """What makes texts alike: role and ink."""
    return words.role, words.ink.english
