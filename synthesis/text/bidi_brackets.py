"""Brackets in bidirectional text: both of a pair take one direction (UAX 9, rules BD16 and N0)."""

import unicodedata
from collections.abc import Sequence
from functools import cache

STRONG = {"L": "L", "R": "R", "EN": "R", "AN": "R"}  # what rules N0 to N2 take classes for
_MOST_BRACKETS = 63  # open ones that are remembered
_ODD_PAIRS = {"\u298d": "\u2990", "\u298f": "\u298e"}
_CANONICAL = {"\u2329": "\u3008", "\u232a": "\u3009"}


def resolve_brackets(
    characters: Sequence[str], kinds: list[str], originals: Sequence[str], level: int, start: str
) -> None:
    """Rule N0: both brackets of a pair take one direction."""
    embedding = "R" if level % 2 else "L"
    for opening, closing in _pairs(characters, kinds):
        inside = {STRONG.get(kind) for kind in kinds[opening + 1 : closing]} - {None}
        if not inside:
            continue
        chosen = embedding
        if embedding not in inside:
            context = next(
                (STRONG[kind] for kind in reversed(kinds[:opening]) if kind in STRONG), start
            )
            chosen = context if context != embedding else embedding
        for bracket in (opening, closing):
            kinds[bracket] = chosen
            for place in range(bracket + 1, len(kinds)):
                if originals[place] != "NSM":
                    break
                kinds[place] = chosen


def _pairs(characters: Sequence[str], kinds: Sequence[str]) -> list[tuple[int, int]]:
    """The bracket pairs, by their opening ones (BD16)."""
    closing_of = _closing_brackets()
    closings = frozenset(closing_of.values())
    pairs: list[tuple[int, int]] = []
    unclosed: list[tuple[str, int]] = []
    for place, character in enumerate(characters):
        if kinds[place] != "ON":
            continue
        bracket = _CANONICAL.get(character, character)
        if bracket in closing_of:
            if len(unclosed) == _MOST_BRACKETS:
                return []
            unclosed.append((closing_of[bracket], place))
        elif bracket in closings:
            for depth in range(len(unclosed) - 1, -1, -1):
                if unclosed[depth][0] == bracket:
                    pairs.append((unclosed[depth][1], place))
                    del unclosed[depth:]
                    break
    return sorted(pairs)


@cache
def _closing_brackets() -> dict[str, str]:
    """Every opening bracket's closing one: in Unicode the next closing code point, but for two."""
    closings: dict[str, str] = {}
    waiting = ""
    for character in map(chr, range(0x10000)):
        category = unicodedata.category(character)
        if category == "Ps" and unicodedata.mirrored(character):
            waiting = character
        elif category == "Pe" and waiting:
            closings[waiting], waiting = character, ""
    return {**closings, **_ODD_PAIRS}
