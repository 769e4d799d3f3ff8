"""How many instructions are told right: of half the set that the rules were written on, of the
other half, and of those rendered by half the patterns of rendering, and by the other half.
``python -m benchmarks.edit_kinds [--wrong]`` shows those told wrong, but none held out.

Every second manner, phrasing and promise to keep the rest is held out. Rendered instructions pair
operations with things by chance: of some only the image tells the kind.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any
from unittest import mock

from curation.picture.colours import COLOURS
from curation.signals.languages import script
from curation.signals.pair_kind import of_instructions
from synthesis.description import Name
from synthesis.edits.edit import Change
from synthesis.edits.instructions import OPERATIONS, instruct
from synthesis.edits.instructions.filling import DATA

FILE = Path(__file__).parent / "edit_texts" / "instructions.tsv"
EACH = 20  # rendered instructions of an operation in a language
TEXTS = ("Open", "Summer Sale", "Good morning", "营业中", "夏季特卖", "Menu", "早安")
THINGS = (Name("title", "标题"), Name("heart icon", "爱心图标"), Name("T-shirt", "T恤"))
OTHERS = (Name("brick wall", "砖墙"), Name("apple icon", "苹果图标"), Name("sky", "天空"))
PLACES = (Name("at the top left", "左上角"), Name("at the bottom", "下方"))
TWICE = Name("twice its size", "原来的2倍")

LISTS = ("MANNERS", "WITHIN", "KEEP", "KEEP_CONTENT", "KEEP_TERSE")
Row = tuple[str, str, str]


def instructions() -> list[Row]:
    """Half, what is asked for and the text; every second line of the file is held out."""
    rows = []
    for number, line in enumerate(FILE.read_text("utf-8").splitlines()):
        wanted, text = line.split("\t")
        rows.append(("held out" if number % 2 else "fitting", wanted, text))
    return rows


def rendered() -> Iterator[Row]:
    """As many of each operation in English and Chinese by each half of the patterns."""
    for number, half in enumerate(("patterns, fitting", "patterns, held out")):
        with ExitStack() as stack:
            for module in DATA.values():
                stack.enter_context(mock.patch.multiple(module, **_every_second(module, number)))
            yield from _by_patterns(half)


def _every_second(module: ModuleType, first: int) -> dict[str, Any]:
    """Half of the patterns of a language, by the names that they have there."""
    lists = {name: getattr(module, name)[first::2] for name in LISTS}
    by_operation = {name: getattr(module, name) for name in ("PHRASINGS", "RESULTS", "TERSE")}
    return lists | {
        name: {operation: those[first::2] for operation, those in of.items()}
        for name, of in by_operation.items()
    }


def _by_patterns(half: str) -> Iterator[Row]:
    for operation in OPERATIONS:
        for number in range(EACH):
            for language in ("en", "zh"):
                random = Random(f"{operation} {number} {language} {half}")
                yield half, operation, instruct(random, language, _change(random, operation))


def _change(random: Random, operation: str) -> Change:
    """A change with all that instructions of its operation may name."""
    family, _, what = operation.partition(".")
    is_text, is_swap = family == "text", what == "swap"
    quotes = is_text or is_swap
    old = random.choice(TEXTS) if quotes and what != "add" else None
    return Change(
        operation,
        old=old,
        new=random.choice(TEXTS) if quotes and what not in ("remove", "recolour") else None,
        thing=None if family in ("background", "restoration") else random.choice(THINGS),
        other=random.choice(OTHERS) if what in ("material", "replace", "swap") else None,
        colour=random.choice([*COLOURS.values()])
        if what in ("recolour", "colour", "boxes")
        else None,
        place=random.choice(PLACES) if is_text or what in ("move", "add", "uncrop") else None,
        language=random.choice(("en", "zh")) if what == "translate" else None,
        amount=TWICE if what == "super_resolution" else None,
    )


def main() -> None:
    """Print the table."""
    kinds, operations, total = Counter[str](), Counter[str](), Counter[str]()
    for half, wanted, text in (*instructions(), *rendered()):
        kind, operation = of_instructions([text])
        place = f"{half}, {'zh' if script(text) == 'han' else 'en'}"
        total[place] += 1
        kinds[place] += kind == wanted.partition(".")[0]
        operations[place] += (operation or kind) == wanted
        is_shown = "--wrong" in sys.argv and "held out" not in half
        if is_shown and (operation or kind) != wanted:
            print(f"{half:<18} {wanted:<24} {operation or kind!s:<24} {text}")
    for place in sorted(total):
        right = f"kind {kinds[place]}/{total[place]}, operation {operations[place]}/{total[place]}"
        print(f"{place:<23} {right}")


if __name__ == "__main__":
    main()
