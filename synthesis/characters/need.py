"""Characters that are to be shown in so many images each: a turn for every time, and no others.

Turns come in rounds: the first has every character once, the last those that are needed most. So a
rendering that is cut short has shown all of them, and none much more than others.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from curation.failures.errors import UsageError
from synthesis.characters import planning
from synthesis.characters.planning import GROUP, Kind
from synthesis.fonts.files import FontFile

Need = tuple[tuple[str, int], ...]
Turn = tuple[Kind, tuple[str, ...]]
SENTENCES = 4  # in one of so many rounds they are shown in sentences, one in each
_SHOWN = 40  # characters
_LINE = re.compile(r"(\S)\t(\d+)")


def read(path: str) -> Need:
    """Characters and how many images each needs, by character. Raises ``UsageError``."""
    try:
        lines = Path(path).read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--need {path}: {error}; expected a text file in UTF-8") from None
    need: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if line.strip() and not match:
            expected = "a character, a tab and a number, as python -m taxonomy.deficit prints"
            raise UsageError(f"--need {path}:{number}: found {line[:20]!r}; expected {expected}")
        if match:
            need[match[1]] = max(int(match[2]), need.get(match[1], 0))
    wanted = tuple(sorted((character, times) for character, times in need.items() if times))
    if not wanted:
        raise UsageError(f"--need {path}: no character is needed; expected lines such as 龘<tab>20")
    return wanted


def digest(need: Need) -> str:
    """BLAKE2b-128 of what is needed."""
    return hashlib.blake2b(repr(need).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Needed:
    """The ``turns`` of images 0, 1, ..., and what they are put with, as in a ``planning.Plan``.

    ``unrenderable`` are those that no face can render.
    """

    turns: tuple[Turn, ...]
    sentences: Mapping[str, tuple[str, ...]]
    words: Mapping[str, tuple[str, ...]]
    unrenderable: str

    def notes(self) -> Iterator[str]:
        """What is rendered, and what cannot be, in sentences."""
        given = [character for _, characters in self.turns for character in characters]
        images = f"{len(given)} times in {len(self.turns)} images"
        yield f"--need: {len(set(given))} characters, {images}"
        if self.unrenderable:
            first = self.unrenderable[:_SHOWN] + ("…" if len(self.unrenderable) > _SHOWN else "")
            yield f"--need: no font here can render {len(self.unrenderable)} of them: {first}"


def planned(need: Need, paragraphs: Iterable[str], faces: Sequence[FontFile]) -> Needed:
    """The turns of what is needed, by these faces and with sentences of these paragraphs."""
    times = dict(need)
    best = planning.best_faces(faces, times)
    _, sentences = planning.looked_through(paragraphs, times.keys())
    turns: list[Turn] = []
    for number in range(max(times.values(), default=0)):
        groups: dict[tuple[Kind, int], list[str]] = {}
        for character, place in best.items():
            if number < times[character]:
                known = sentences if number % SENTENCES == 0 else {}
                kind = planning.kind_of(character, known)
                groups.setdefault((kind, place), []).append(character)
        turns += _round(groups, Random(number))
    unrenderable = "".join(character for character in times if character not in best)
    return Needed(tuple(turns), sentences, planning.words(), unrenderable)


def alone(need: Need, faces: Sequence[FontFile]) -> Needed:
    """As ``planned``, each character by itself, for whoever knows what may stand beside it."""
    best = planning.best_faces(faces, dict(need))
    able = [(character, times) for character, times in need if character in best]
    turns: list[Turn] = []
    for number in range(max((times for _, times in able), default=0)):
        own = [(Kind.NAME, (character,)) for character, times in able if number < times]
        Random(number).shuffle(own)
        turns += own
    unrenderable = "".join(character for character, _ in need if character not in best)
    return Needed(tuple(turns), {}, {}, unrenderable)


def _round(groups: Mapping[tuple[Kind, int], Sequence[str]], random: Random) -> list[Turn]:
    """Every character of the groups once, in a shuffled order."""
    turns: list[Turn] = []
    for kind, place in sorted(groups):
        shuffled = random.sample(groups[kind, place], len(groups[kind, place]))
        size = GROUP[kind]
        turns += [
            (kind, tuple(shuffled[start : start + size])) for start in range(0, len(shuffled), size)
        ]
    random.shuffle(turns)
    return turns
