"""What of a row stands in a benchmark: the rule, for who curates and for who evaluates.

Texts are compared by runs of words or, in Chinese and Japanese, of characters. What is shorter than
such a run ("a photo of a cat") is everybody's, and says nothing without the image. Images are
compared by perceptual hash, also mirrored.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.picture.perceptual_hash import MIRRORED

WORDS, CHARACTERS = 8, 13  # of a run
BITS = 4  # in which hashes of one image differ at most
PLAIN = 8  # bits that are 1 in the hash of an image that shows something: blank ones are all alike
_CHARACTERS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHARACTER = re.compile(f"[{_CHARACTERS}]")
_WORD = re.compile(rf"[^\W_{_CHARACTERS}]+")
Run = tuple[str, ...] | str


class Prompt(NamedTuple):
    """A ``text`` and its ``place``, such as file and number."""

    place: str
    text: str


class Plain(NamedTuple):
    """The ``words`` of a text, and its Chinese and Japanese ``characters`` in a row."""

    words: tuple[str, ...]
    characters: str


def plain(text: str) -> Plain:
    """What of a text is compared: case, marks, spaces and forms of characters do not count; each
    script is looked at without the other, so that a sign's words do not hide the caption around it.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return Plain(tuple(_WORD.findall(folded)), "".join(_CHARACTER.findall(folded)))


def runs(text: str, words: int = WORDS, characters: int = CHARACTERS) -> set[Run]:
    """The distinct runs of a text: of so many words, and of so many Chinese characters."""
    latin, han = plain(text)
    of_han = {han[start : start + characters] for start in range(len(han) - characters + 1)}
    of_latin = {latin[start : start + words] for start in range(len(latin) - words + 1)}
    return of_han | of_latin


class Texts:
    """The runs of all ``prompts``, and which of these have each."""

    def __init__(
        self, prompts: Iterable[Prompt], words: int = WORDS, characters: int = CHARACTERS
    ) -> None:
        self._size = words, characters
        self._prompts: list[tuple[str, int]] = []
        self._having: dict[Run, list[int]] = {}
        for prompt in prompts:
            own = runs(prompt.text, words, characters)
            for run in own:
                self._having.setdefault(run, []).append(len(self._prompts))
            self._prompts.append((prompt.place, len(own)))

    @property
    def compared(self) -> set[str]:
        """The places of the prompts that are as long as a run, which the others are not."""
        return {place for place, count in self._prompts if count}

    def shares(self, text: str) -> Iterator[tuple[float, str]]:
        """The share of runs that a text has in common with each prompt, and its place, the largest
        first; nothing of prompts with which it has none in common.

        It is of the runs of the shorter of both: 1 for a prompt as it is, for a prompt inside a
        longer caption, and for a part of a prompt.
        """
        own = runs(text, *self._size)
        common = Counter(prompt for run in own for prompt in self._having.get(run, ()))
        shares = ((of / min(len(own), self._prompts[p][1]), -p) for p, of in common.items())
        return ((share, self._prompts[-prompt][0]) for share, prompt in sorted(shares)[::-1])

    def overlap(self, text: str) -> tuple[float, str]:
        """The largest of the ``shares``; (0, "") where there is none."""
        return next(self.shares(text), (0.0, ""))


@dataclass
class Images:
    """The ``hashes`` of images by name, of which at most ``bits`` may differ."""

    hashes: Sequence[tuple[str, int]]
    bits: int = BITS

    def __post_init__(self) -> None:
        shown = [of for of in self.hashes if of[1].bit_count() >= PLAIN]
        self._names = [name for name, _ in shown]
        self._own: NDArray[np.uint64] = np.array([of for _, of in shown], np.uint64)

    def __len__(self) -> int:
        """How many show something, and are compared."""
        return len(self._names)

    def nearest(self, own: int) -> str | None:
        """The name of the image that a hash, or its mirrored one, is nearest to, if near enough."""
        if not self._names:
            return None
        differing = self._own ^ np.uint64(own)
        bits = np.minimum(np.bitwise_count(differing), np.bitwise_count(differing ^ MIRRORED))
        best = int(bits.argmin())
        return self._names[best] if bits[best] <= self.bits else None
