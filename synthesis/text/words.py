"""The words of a line, where a script parts them by blanks.

A word is what stands between blanks, its marks included, and holds a letter or a digit. Hanzi,
kana, Thai and other scripts without spaces have no words: readers do not agree on them. A Latin
word among them is one.
"""

from collections.abc import Iterator
from itertools import groupby

from synthesis.text import scripts
from synthesis.text.placing import Placed, PlacedLine


def of(line: PlacedLine) -> Iterator[tuple[str, list[Placed]]]:
    """Every word with its clusters in reading order; clusters of no word have the word ``""``."""
    number = _numbers(line.text)
    place = 0
    located: list[tuple[int, int, Placed]] = []
    for cluster in line.clusters:
        place = line.text.index(cluster.text.rstrip(), place)
        located.append((number[place], place, cluster))
        place += len(cluster.text.rstrip())
    for which, group in groupby(located, key=lambda member: member[0]):
        members = list(group)
        start, end = members[0][1], members[-1][1] + len(members[-1][2].text)
        text = line.text[start:end].strip()
        is_word = which >= 0 and any(character.isalnum() for character in text)
        yield text if is_word else "", [cluster for _, _, cluster in members]


def _numbers(text: str) -> list[int]:
    """The number of the piece between blanks each character is in; -1 for no word's characters."""
    numbers: list[int] = []
    current = 0
    script = ""
    for character in text:
        script = scripts.script_of(character) or script
        if character.isspace() or script in scripts.UNSPACED:
            current += bool(numbers and numbers[-1] != -1)
            numbers.append(-1)
            script = "" if character.isspace() else script
        else:
            numbers.append(current)
    return numbers
