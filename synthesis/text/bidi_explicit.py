"""Embeddings, overrides and isolates of bidirectional text: rules P2, X1 to X10 of UAX 9.

Classes are the Bidi_Class of characters, as ``unicodedata.bidirectional`` names them.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby

INITIATORS = frozenset({"LRI", "RLI", "FSI"})
ISOLATES = INITIATORS | {"PDI"}
EMBEDDINGS = frozenset({"LRE", "RLE", "LRO", "RLO"})
REMOVED = EMBEDDINGS | {"PDF", "BN"}  # X9: classes that take no part beyond rule X8
MOST_DEPTH = 125


def first_strong(classes: Sequence[str], *, until_pdi: bool) -> int:
    """The level the first strong class outside isolates asks for (P2, X5c), 0 without one."""
    depth = 0
    for kind in classes:
        if kind == "PDI":
            if depth == 0 and until_pdi:
                return 0
            depth = max(depth - 1, 0)
        elif kind in INITIATORS:
            depth += 1
        elif depth == 0 and kind in {"L", "R", "AL"}:
            return int(kind != "L")
    return 0


def _matching_pdi(classes: Sequence[str]) -> dict[int, int]:
    """The PDI of every isolate initiator that has one (BD9)."""
    matching: dict[int, int] = {}
    unclosed: list[int] = []
    for place, kind in enumerate(classes):
        if kind in INITIATORS:
            unclosed.append(place)
        elif kind == "PDI" and unclosed:
            matching[unclosed.pop()] = place
    return matching


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
        isolate = initiator in INITIATORS
        higher = (self.level + 1) | 1 if to_left else (self.level + 2) & ~1
        if higher <= MOST_DEPTH and not self._lost_isolates and not self._lost_embeddings:
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


def explicit_levels(original: Sequence[str], base: int) -> tuple[list[int], list[str]]:
    """Levels by embeddings, overrides and isolates (X1 to X8), and classes as overridden."""
    classes, levels = list(original), [base] * len(original)
    matching = _matching_pdi(original)
    state = _Embeddings(base)
    for place, kind in enumerate(original):
        if kind == "PDI":
            state.close_isolate()
        elif kind == "PDF":
            state.close_embedding()
        if kind != "B" and kind not in REMOVED:
            levels[place], classes[place] = state.level, state.override or kind
        if kind == "FSI":
            inside = original[place + 1 : matching.get(place, len(original))]
            state.open(kind, to_left=bool(first_strong(inside, until_pdi=True)))
        elif kind in EMBEDDINGS or kind in INITIATORS:
            state.open(kind, to_left=kind[0] == "R")
    return levels, classes


def isolating_sequences(
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
        while original[sequence[-1]] in INITIATORS and sequence[-1] in matching:
            sequence += run_from[matching[sequence[-1]]]
        sequences.append(sequence)
    return sequences


def limits(
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
    unclosed = original[sequence[-1]] in INITIATORS
    after = base if unclosed or last + 1 == len(kept) else explicit[kept[last + 1]]
    return ("R" if max(level, before) % 2 else "L", "R" if max(level, after) % 2 else "L")
