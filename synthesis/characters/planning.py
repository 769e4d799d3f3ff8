"""Which characters of the national table a corpus shows too rarely, and what shows them."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from synthesis.characters import table
from synthesis.fonts.files import FontFile, entry

FLOOR = 20  # times a character is rendered per HUNDRED_THOUSAND images of mode pure
HUNDRED_THOUSAND = 100_000
BLOCK = 4_000
MOST_OF_A_BLOCK = 0.5  # of the images may show turns; the others are the corpus's own
WORDS = Path(__file__).with_name("words.txt")
_READ = 200_000  # paragraphs of a corpus, at most, that are looked through for rare characters
_SENTENCES_KEPT = 4  # per character
_LONGEST_SENTENCE = 60  # characters
_ENDS = "。！？；\n"


class Kind(StrEnum):
    """How a character's turn is rendered; ``NATURAL`` ones need no turns."""

    NATURAL = "natural"
    SENTENCE = "sentence"
    WORD = "word"
    NAME = "name"


GROUP = {Kind.SENTENCE: 1, Kind.WORD: 5, Kind.NAME: 8}  # turns in one image


@dataclass(frozen=True)
class Plan:
    """Which characters have turns, and what each is rendered with.

    ``groups`` are sets of characters that one face can render together, each with its kind; a
    character in none is natural. ``unrenderable`` are those of the table that no face can render.
    """

    groups: tuple[tuple[Kind, tuple[str, ...]], ...]
    sentences: Mapping[str, tuple[str, ...]]
    words: Mapping[str, tuple[str, ...]]
    unrenderable: str


def plan(paragraphs: Iterable[str], count: int, faces: Sequence[FontFile]) -> Plan:
    """The plan for a corpus of ``count`` paragraphs and these faces."""
    best = best_faces(faces, table.level_of())
    shown, sentences = looked_through(paragraphs, table.level_of().keys())
    read = max(1, min(count, _READ))
    enough = 2 * FLOOR / HUNDRED_THOUSAND / (1 - MOST_OF_A_BLOCK) * read
    kinds = {
        character: Kind.NATURAL
        if shown.get(character, 0) >= enough
        else kind_of(character, sentences)
        for character in best
    }
    groups = _groups(_within_a_block(kinds, shown), best)
    unrenderable = "".join(character for character in table.level_of() if character not in best)
    return Plan(groups, sentences, words(), unrenderable)


def best_faces(faces: Sequence[FontFile], characters: Iterable[str]) -> dict[str, int]:
    """The place of the face that can render each of the ``characters`` and most of the others.

    Those that no face can render are left out.
    """
    covered = [entry(face).renderable for face in faces]
    every = tuple(characters)
    wanted = {ord(character) for character in every}
    order = sorted(range(len(covered)), key=lambda place: -len(covered[place] & wanted))
    able = {
        character: next((place for place in order if ord(character) in covered[place]), -1)
        for character in every
    }
    return {character: place for character, place in able.items() if place >= 0}


def kind_of(character: str, sentences: Mapping[str, tuple[str, ...]]) -> Kind:
    """The most natural way to show a character."""
    if character in sentences:
        return Kind.SENTENCE
    return Kind.WORD if character in words() else Kind.NAME


def _within_a_block(kinds: Mapping[str, Kind], shown: Mapping[str, int]) -> Mapping[str, Kind]:
    """With as many sentences as a block has room for, the rarest characters' first."""
    needed = sum(1 / GROUP[kind] for kind in kinds.values() if kind in {Kind.WORD, Kind.NAME})
    room = int(MOST_OF_A_BLOCK * BLOCK - needed)
    rarest = sorted(
        (character for character in kinds if kinds[character] == Kind.SENTENCE),
        key=shown.__getitem__,
    )
    over = {
        character: Kind.WORD if character in words() else Kind.NAME
        for character in rarest[max(0, room) :]
    }
    return {**kinds, **over}


def _groups(
    kinds: Mapping[str, Kind], best: Mapping[str, int]
) -> tuple[tuple[Kind, tuple[str, ...]], ...]:
    """Characters by kind and by the face that can render them: those of a group go together."""
    groups: dict[tuple[Kind, int], list[str]] = {}
    for character, kind in kinds.items():
        if kind != Kind.NATURAL:
            groups.setdefault((kind, best[character]), []).append(character)
    return tuple((kind, tuple(groups[kind, face])) for kind, face in sorted(groups))


def looked_through(
    paragraphs: Iterable[str], characters: AbstractSet[str]
) -> tuple[dict[str, int], dict[str, tuple[str, ...]]]:
    """In how many paragraphs each of the ``characters`` is, and a few sentences that have it."""
    shown: dict[str, int] = {}
    sentences: dict[str, list[str]] = {}
    for _, paragraph in zip(range(_READ), paragraphs, strict=False):
        for character in sorted(characters & set(paragraph)):
            shown[character] = shown.get(character, 0) + 1
            kept = sentences.setdefault(character, [])
            if len(kept) < _SENTENCES_KEPT and (sentence := _sentence(paragraph, character)):
                kept.append(sentence)
    return shown, {character: tuple(kept) for character, kept in sentences.items() if kept}


def _sentence(paragraph: str, character: str) -> str | None:
    """The sentence of the paragraph that has the character, if it is short enough."""
    place = paragraph.index(character)
    start = max((paragraph.rfind(end, 0, place) for end in _ENDS), default=-1) + 1
    ends = [after for end in _ENDS if (after := paragraph.find(end, place)) >= 0]
    sentence = paragraph[start : min(ends, default=len(paragraph)) + 1].strip("；\n ”’」』）")
    return sentence if len(sentence) <= _LONGEST_SENTENCE else None


@cache
def words() -> Mapping[str, tuple[str, ...]]:
    """The dictionary's words by each character they have."""
    by_character: dict[str, list[str]] = {}
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        for word in () if line.startswith("#") else line.split():
            for character in dict.fromkeys(word):
                by_character.setdefault(character, []).append(word)
    return {character: tuple(every) for character, every in by_character.items()}
