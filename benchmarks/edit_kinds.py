"""How many instructions are told right: by half the set that the rules were written on, and by the
other half. ``python -m benchmarks.edit_kinds [--wrong]``.
"""

import sys
from collections import Counter
from pathlib import Path

from curation.signals.languages import script
from curation.signals.pair_kind import of_instructions

FILE = Path(__file__).parent / "edit_texts" / "instructions.tsv"


def instructions() -> list[tuple[str, str, str]]:
    """Half, what is asked for and the text; every second line of the file is held out."""
    rows = []
    for number, line in enumerate(FILE.read_text("utf-8").splitlines()):
        wanted, text = line.split("\t")
        rows.append(("held out" if number % 2 else "fitting", wanted, text))
    return rows


def main() -> None:
    """Print the table."""
    kinds, operations, total = Counter[str](), Counter[str](), Counter[str]()
    for half, wanted, text in instructions():
        kind, operation = of_instructions([text])
        place = f"{half}, {'zh' if script(text) == 'han' else 'en'}"
        total[place] += 1
        kinds[place] += kind == wanted.partition(".")[0]
        operations[place] += (operation or kind) == wanted
        if "--wrong" in sys.argv and (operation or kind) != wanted:
            print(f"{half:<9} {wanted:<24} {operation or kind!s:<24} {text}")
    for place in sorted(total):
        right = f"kind {kinds[place]}/{total[place]}, operation {operations[place]}/{total[place]}"
        print(f"{place:<14} {right}")


if __name__ == "__main__":
    main()
