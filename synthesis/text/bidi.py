"""Bidirectional text: Unicode Standard Annex 9, from characters to levels and visual order.

An even level runs left to right, an odd one right to left. Paragraphs come without their line
ends. Names in capitals (X5a, W1, N0 ...) are the annex's rules.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import groupby
from typing import Literal

Direction = Literal["ltr", "rtl", "auto"]
_MOST_DEPTH = 125
_MOST_BRACKETS = 63  # open ones that are remembered (BD16)
_INITIATORS = frozenset({"LRI", "RLI", "FSI"})
_ISOLATES = _INITIATORS | {"PDI"}
_EMBEDDINGS = frozenset({"LRE", "RLE", "LRO", "RLO"})
REMOVED = _EMBEDDINGS | {"PDF", "BN"}  # X9: classes that take no part beyond rule X8
_NEUTRAL = frozenset({"B", "S", "WS", "ON"}) | _ISOLATES
_STRONG = {"L": "L", "R": "R", "EN": "R", "AN": "R"}  # what rules N0 to N2 take them for
_ODD_PAIRS = {"\u298d": "\u2990", "\u298f": "\u298e"}
_CANONICAL = {"\u2329": "\u3008", "\u232a": "\u3009"}
_PLAIN = re.compile(  # nothing right to left, no Arabic digits, no controls
    "[^\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff"
    "\U00010800-\U00010fff\U0001e800-\U0001efff]*"
)


def base_level(text: str, direction: Direction = "auto") -> int:
    """The paragraph's level; ``auto``: that of its first strong character outside isolates (P2)."""
    if direction != "auto":
        return int(direction == "rtl")
    return _first_strong([unicodedata.bidirectional(one) for one in text], until_pdi=False)


@lru_cache(maxsize=4096)
def levels(text: str, base: int) -> tuple[int, ...]:
    """The level of every character of a paragraph on one line, L1 included.

    Characters that rule X9 removes get the level of the one before.
    """
    if base == 0 and _PLAIN.fullmatch(text):
        return (0,) * len(text)
    original = [unicodedata.bidirectional(one) or "L" for one in text]
    explicit, classes = _explicit(original, base)
    found = list(explicit)
    kept = [place for place, one in enumerate(original) if one not in REMOVED]
    for sequence in _isolating_sequences(kept, explicit, original):
        start, end = _limits(sequence, kept, explicit, base, original)
        kinds = _kinds(sequence, text, classes, explicit[sequence[0]], start, end)
        for place, kind in zip(sequence, kinds, strict=True):  # I1 and I2
            right_to_left = explicit[place] % 2
            raised = kind != "R" if right_to_left else {"R": 1, "AN": 2, "EN": 2}.get(kind, 0)
            found[place] += raised
    _reset_blanks(found, original, base)
    return tuple(found)


def visual_order(levels_of_line: Sequence[int]) -> list[int]:
    """The indices of a line from left to right (L2)."""
    order = list(range(len(levels_of_line)))
    if not any(levels_of_line):
        return order
    lowest_odd = min((one for one in levels_of_line if one % 2), default=_MOST_DEPTH + 2)
    for level in range(max(levels_of_line), lowest_odd - 1, -1):
        place = 0
        while place < len(order):
            end = place
            while end < len(order) and levels_of_line[order[end]] >= level:
                end += 1
            order[place:end] = order[place:end][::-1]
            place = end + 1
    return order


def _first_strong(classes: Sequence[str], *, until_pdi: bool) -> int:
    depth = 0
    for one in classes:
        if one == "PDI":
            if depth == 0 and until_pdi:
                return 0
            depth = max(depth - 1, 0)
        elif one in _INITIATORS:
            depth += 1
        elif depth == 0 and one in {"L", "R", "AL"}:
            return int(one != "L")
    return 0


def _matching_pdi(classes: Sequence[str]) -> dict[int, int]:
    """The PDI of every isolate initiator that has one (BD9)."""
    found: dict[int, int] = {}
    open_ones: list[int] = []
    for place, one in enumerate(classes):
        if one in _INITIATORS:
            open_ones.append(place)
        elif one == "PDI" and open_ones:
            found[open_ones.pop()] = place
    return found


class _Embeddings:
    """The directional status stack of rules X1 to X8."""

    def __init__(self, base: int) -> None:
        self._stack: list[tuple[int, str, bool]] = [(base, "", False)]
        self._lost_isolates = self._lost_embeddings = self._valid_isolates = 0

    @property
    def level(self) -> int:
        return self._stack[-1][0]

    @property
    def override(self) -> str:
        """The class every character takes, if any."""
        return self._stack[-1][1]

    def open(self, initiator: str, *, to_left: bool) -> None:
        """Begin an embedding, override or isolate (X2 to X5c)."""
        isolate = initiator in _INITIATORS
        higher = (self.level + 1) | 1 if to_left else (self.level + 2) & ~1
        if higher <= _MOST_DEPTH and not self._lost_isolates and not self._lost_embeddings:
            forced = {"LRO": "L", "RLO": "R"}.get(initiator, "")
            self._stack.append((higher, forced, isolate))
            self._valid_isolates += isolate
        elif isolate:
            self._lost_isolates += 1
        elif not self._lost_isolates:
            self._lost_embeddings += 1

    def close_isolate(self) -> None:
        """A PDI (X6a)."""
        if self._lost_isolates:
            self._lost_isolates -= 1
        elif self._valid_isolates:
            self._lost_embeddings = 0
            while not self._stack[-1][2]:
                self._stack.pop()
            self._stack.pop()
            self._valid_isolates -= 1

    def close_embedding(self) -> None:
        """A PDF (X7)."""
        if self._lost_isolates:
            return
        if self._lost_embeddings:
            self._lost_embeddings -= 1
        elif len(self._stack) > 1 and not self._stack[-1][2]:
            self._stack.pop()


def _explicit(original: Sequence[str], base: int) -> tuple[list[int], list[str]]:
    """Levels by embeddings, overrides and isolates (X1 to X8), and classes as overridden."""
    classes, found = list(original), [base] * len(original)
    matching = _matching_pdi(original)
    state = _Embeddings(base)
    for place, one in enumerate(original):
        if one == "PDI":
            state.close_isolate()
        elif one == "PDF":
            state.close_embedding()
        if one != "B" and one not in REMOVED:
            found[place], classes[place] = state.level, state.override or one
        if one == "FSI":
            inside = original[place + 1 : matching.get(place, len(original))]
            state.open(one, to_left=bool(_first_strong(inside, until_pdi=True)))
        elif one in _EMBEDDINGS or one in _INITIATORS:
            state.open(one, to_left=one[0] == "R")
    return found, classes


def _isolating_sequences(
    kept: Sequence[int], explicit: Sequence[int], original: Sequence[str]
) -> list[list[int]]:
    """The kept places that are resolved together (BD13)."""
    runs = [list(run) for _, run in groupby(kept, key=explicit.__getitem__)]
    matching = _matching_pdi(original)
    run_from = {run[0]: run for run in runs}
    continued = {*matching.values()}
    sequences = []
    for run in runs:
        if run[0] in continued:
            continue
        sequence = list(run)
        while original[sequence[-1]] in _INITIATORS and sequence[-1] in matching:
            sequence += run_from[matching[sequence[-1]]]
        sequences.append(sequence)
    return sequences


def _limits(
    sequence: Sequence[int],
    kept: Sequence[int],
    explicit: Sequence[int],
    base: int,
    original: Sequence[str],
) -> tuple[str, str]:
    """The directions at both ends of an isolating run sequence (X10)."""
    first, last = bisect_left(kept, sequence[0]), bisect_left(kept, sequence[-1])
    level = explicit[sequence[0]]
    before = explicit[kept[first - 1]] if first else base
    unclosed = original[sequence[-1]] in _INITIATORS
    after = base if unclosed or last + 1 == len(kept) else explicit[kept[last + 1]]
    return ("R" if max(level, before) % 2 else "L", "R" if max(level, after) % 2 else "L")


def _kinds(
    sequence: Sequence[int], text: str, classes: Sequence[str], level: int, start: str, end: str
) -> list[str]:
    """What the characters of an isolating run sequence are: L, R, EN or AN (rules W and N)."""
    originals = [classes[place] for place in sequence]
    kinds = _weak(list(originals), start)
    _brackets([text[place] for place in sequence], kinds, originals, level, start)
    _neutral(kinds, level, start, end)
    return kinds


def _weak(kinds: list[str], start: str) -> list[str]:
    """Rules W1 to W7."""
    previous, strong = start, start
    for place, kind in enumerate(kinds):
        if kind != "NSM":
            previous = kind
        elif previous in _ISOLATES:
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


def _brackets(
    characters: Sequence[str], kinds: list[str], originals: Sequence[str], level: int, start: str
) -> None:
    """Rule N0: both brackets of a pair take one direction."""
    embedding = "R" if level % 2 else "L"
    for opening, closing in _pairs(characters, kinds):
        inside = {_STRONG.get(kind) for kind in kinds[opening + 1 : closing]} - {None}
        if not inside:
            continue
        chosen = embedding
        if embedding not in inside:
            context = next(
                (_STRONG[kind] for kind in reversed(kinds[:opening]) if kind in _STRONG), start
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
    found: list[tuple[int, int]] = []
    open_ones: list[tuple[str, int]] = []
    for place, character in enumerate(characters):
        if kinds[place] != "ON":
            continue
        one = _CANONICAL.get(character, character)
        if one in closing_of:
            if len(open_ones) == _MOST_BRACKETS:
                return []
            open_ones.append((closing_of[one], place))
        elif one in closings:
            for depth in range(len(open_ones) - 1, -1, -1):
                if open_ones[depth][0] == one:
                    found.append((open_ones[depth][1], place))
                    del open_ones[depth:]
                    break
    return sorted(found)


@cache
def _closing_brackets() -> dict[str, str]:
    """Every opening bracket's closing one: in Unicode the next closing code point, but for two."""
    found: dict[str, str] = {}
    waiting = ""
    for character in map(chr, range(0x10000)):
        category = unicodedata.category(character)
        if category == "Ps" and unicodedata.mirrored(character):
            waiting = character
        elif category == "Pe" and waiting:
            found[waiting], waiting = character, ""
    return {**found, **_ODD_PAIRS}


def _neutral(kinds: list[str], level: int, start: str, end: str) -> None:
    """Rules N1 and N2: neutrals between equal directions take it, others the embedding's."""
    place = 0
    for neutral, run in groupby(list(kinds), key=_NEUTRAL.__contains__):
        last = place + len(list(run))
        if neutral:
            left = _STRONG[kinds[place - 1]] if place else start
            right = _STRONG[kinds[last]] if last < len(kinds) else end
            same = left if left == right else ("R" if level % 2 else "L")
            kinds[place:last] = [same] * (last - place)
        place = last


def _reset_blanks(found: list[int], original: Sequence[str], base: int) -> None:
    """Rule L1 for a line that is the whole paragraph; removed characters follow their left."""
    trailing = True
    for place in range(len(original) - 1, -1, -1):
        one = original[place]
        if one in {"B", "S"}:
            trailing = True
        if trailing and (one in {"B", "S", "WS"} or one in _ISOLATES or one in REMOVED):
            found[place] = base
        else:
            trailing = False
    for place, one in enumerate(original):
        if one in REMOVED:
            found[place] = found[place - 1] if place else base
