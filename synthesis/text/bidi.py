"""Bidirectional text: Unicode Standard Annex 9, from characters to levels and visual order.

An even level runs left to right, an odd one right to left. Paragraphs come without their line
ends. Names in capitals (X5a, W1, N0 ...) are the annex's rules.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import Literal

from synthesis.text.bidi_brackets import STRONG, resolve_brackets
from synthesis.text.bidi_explicit import (
    ISOLATES,
    MOST_DEPTH,
    REMOVED,
    explicit_levels,
    first_strong,
    isolating_sequences,
    limits,
)

Direction = Literal["ltr", "rtl", "auto"]
_NEUTRAL = frozenset({"B", "S", "WS", "ON"}) | ISOLATES
_PLAIN = re.compile(  # nothing right to left, no Arabic digits, no controls
    "[^\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff"
    "\U00010800-\U00010fff\U0001e800-\U0001efff]*"
)


def base_level(text: str, direction: Direction = "auto") -> int:
    """The paragraph's level; ``auto``: that of its first strong character outside isolates (P2)."""
    if direction != "auto":
        return int(direction == "rtl")
    return first_strong(
        [unicodedata.bidirectional(character) for character in text], until_pdi=False
    )


@lru_cache(maxsize=512)
def levels(text: str, base: int) -> tuple[int, ...]:
    """The level of every character of a paragraph on one line, L1 included.

    Characters that rule X9 removes get the level of the one before.
    """
    if base == 0 and _PLAIN.fullmatch(text):
        return (0,) * len(text)
    original = [unicodedata.bidirectional(character) or "L" for character in text]
    explicit, classes = explicit_levels(original, base)
    resolved = list(explicit)
    kept = [place for place, kind in enumerate(original) if kind not in REMOVED]
    for sequence in isolating_sequences(kept, explicit, original):
        start, end = limits(sequence, kept, explicit, base, original)
        kinds = _kinds(sequence, text, classes, explicit[sequence[0]], start, end)
        for place, kind in zip(sequence, kinds, strict=True):  # I1 and I2
            right_to_left = explicit[place] % 2
            raised = kind != "R" if right_to_left else {"R": 1, "AN": 2, "EN": 2}.get(kind, 0)
            resolved[place] += raised
    _reset_blanks(resolved, original, base)
    return tuple(resolved)


def visual_order(levels_of_line: Sequence[int]) -> list[int]:
    """The indices of a line from left to right (L2)."""
    order = list(range(len(levels_of_line)))
    if not any(levels_of_line):
        return order
    lowest_odd = min((level for level in levels_of_line if level % 2), default=MOST_DEPTH + 2)
    for level in range(max(levels_of_line), lowest_odd - 1, -1):
        place = 0
        while place < len(order):
            end = place
            while end < len(order) and levels_of_line[order[end]] >= level:
                end += 1
            order[place:end] = order[place:end][::-1]
            place = end + 1
    return order


def _kinds(
    sequence: Sequence[int], text: str, classes: Sequence[str], level: int, start: str, end: str
) -> list[str]:
    """What the characters of an isolating run sequence are: L, R, EN or AN (rules W and N)."""
    originals = [classes[place] for place in sequence]
    kinds = _weak(list(originals), start)
    resolve_brackets([text[place] for place in sequence], kinds, originals, level, start)
    _neutral(kinds, level, start, end)
    return kinds


def _weak(kinds: list[str], start: str) -> list[str]:
    """Rules W1 to W7."""
    previous, strong = start, start
    for place, kind in enumerate(kinds):
        if kind != "NSM":
            previous = kind
        elif previous in ISOLATES:
            previous = "ON"
        if previous in {"L", "R", "AL"}:
            strong = previous
        kinds[place] = "AN" if previous == "EN" and strong == "AL" else previous
    kinds = ["R" if kind == "AL" else kind for kind in kinds]
    for place in range(1, len(kinds) - 1):
        left, kind, right = kinds[place - 1 : place + 2]
        if left == right and (
            (kind in {"ES", "CS"} and left == "EN") or (kind, left) == ("CS", "AN")
        ):
            kinds[place] = left
    place = 0
    for kind, run in groupby(list(kinds)):
        end = place + len(list(run))
        beside = {kinds[place - 1] if place else "", kinds[end] if end < len(kinds) else ""}
        if kind == "ET":
            kinds[place:end] = ["EN" if "EN" in beside else "ON"] * (end - place)
        place = end
    strong = start
    for place, kind in enumerate(kinds):
        if kind in {"ES", "CS"}:
            kinds[place] = "ON"
        elif kind in {"L", "R"}:
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[place] = "L"
    return kinds


def _neutral(kinds: list[str], level: int, start: str, end: str) -> None:
    """Rules N1 and N2: neutrals between equal directions take it, others the embedding's."""
    place = 0
    for neutral, run in groupby(list(kinds), key=_NEUTRAL.__contains__):
        last = place + len(list(run))
        if neutral:
            left = STRONG[kinds[place - 1]] if place else start
            right = STRONG[kinds[last]] if last < len(kinds) else end
            same = left if left == right else ("R" if level % 2 else "L")
            kinds[place:last] = [same] * (last - place)
        place = last


def _reset_blanks(resolved: list[int], original: Sequence[str], base: int) -> None:
    """Rule L1 for a line that is the whole paragraph; removed characters follow their left."""
    trailing = True
    for place in range(len(original) - 1, -1, -1):
        kind = original[place]
        if kind in {"B", "S"}:
            trailing = True
        if trailing and (kind in {"B", "S", "WS"} or kind in ISOLATES or kind in REMOVED):
            resolved[place] = base
        else:
            trailing = False
    for place, kind in enumerate(original):
        if kind in REMOVED:
            resolved[place] = resolved[place - 1] if place else base
