"""``python -m taxonomy.deficit``: which characters a run shows too rarely, and by how much.

An exposure is a row that shows a character. Weights bring rare ones up, but show the same images
again: at most ``most`` times. What is then lacking to the target is for rendering: the list that is
printed is what ``synthesis.render --need`` takes.
"""

import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import typer

from curation import shard, storage
from curation.failures import commands
from curation.failures.errors import UsageError
from curation.storage import user_paths
from taxonomy.tokens import is_character, tokens

SCORE = 0.7  # of a line that was read, as ``token_frequency`` counts it
FEW = (1, 20, 100)
EXAMPLE = "Example: python -m taxonomy.deficit OUT --target 100 > need.tsv"
app = commands.application()


@dataclass
class Exposures:
    """By character the rows that show it, and the sum of their weights, each at most ``most``.

    ``rows`` are all rows, ``mass`` the sum of their weights, ``squares`` that of their squares.
    """

    most: float
    rows: int = 0
    mass: float = 0.0
    squares: float = 0.0
    largest: float = 0.0
    before: Counter[str] = field(default_factory=Counter)
    weighted: dict[str, float] = field(default_factory=dict)

    def add(self, characters: Iterable[str], weight: float) -> None:
        """A row."""
        own = min(weight, self.most)
        self.rows += 1
        self.mass += own
        self.squares += own * own
        self.largest = max(self.largest, own)
        for character in characters:
            self.before[character] += 1
            self.weighted[character] = self.weighted.get(character, 0.0) + own

    def after(self) -> dict[str, float]:
        """Expected exposures by the weights, in as many images as there are rows."""
        scale = self.rows / self.mass if self.mass else 0.0
        return {character: own * scale for character, own in self.weighted.items()}

    def need(self, target: int, wanted: Iterable[str]) -> dict[str, int]:
        """Of each character that is ``wanted`` what lacks to the target, the most first."""
        supply = self.after()
        lacking = {of: math.ceil(target - supply.get(of, 0.0) - 1e-9) for of in wanted}
        return {of: n for of, n in sorted(lacking.items(), key=lambda of: (-of[1], of[0])) if n > 0}

    def lines(self, target: int, wanted: Sequence[str]) -> Iterator[str]:
        """What came of it, for people."""
        need, after = self.need(target, wanted), self.after()
        rendered = {of: after.get(of, 0.0) + need.get(of, 0) for of in wanted}
        few = "".join(f"{f'< {of}':>8}" for of in FEW)
        yield f"{'characters with':16}{few}{'median':>9}{'entropy':>9}"
        stages: dict[str, Mapping[str, float]]
        stages = {"before": self.before, "weighted": after, "with renders": rendered}
        for name, counts in stages.items():
            values = np.array([counts.get(of, 0) for of in wanted], np.float64)
            below = "".join(f"{int((values < of - 1e-9).sum()):8}" for of in FEW)
            yield f"{name:16}{below}{np.median(values):9.1f}{entropy(values):9.3f}"
        share = self.mass**2 / (self.rows * self.squares) if self.squares else 0.0
        factor = self.largest * self.rows / self.mass if self.mass else 0.0
        size = f"effective sample size {share:.3f} of them"
        yield f"{self.rows} rows, {size}, largest factor {factor:.2f}"
        yield f"to render: {len(need)} characters, {sum(need.values())} exposures"


def entropy(counts: Any) -> float:
    """That of the shares of N counts, of the largest there can be: 0 to 1."""
    shares = counts[counts > 0] / max(counts.sum(), 1e-12)
    return float(-(shares * np.log(shares)).sum() / math.log(max(2, len(counts))))


def hanzi(text: str) -> list[str]:
    """The distinct characters of Chinese in a text, in their order."""
    return [of for of in dict.fromkeys(text) if is_character(of)]


def gb2312() -> str:
    """The 6,763 hanzi of GB 2312 (rows 16 to 87), from Python's codec."""
    cells = (bytes((0xA0 + row, 0xA0 + cell)) for row in range(16, 88) for cell in range(1, 95))
    return "".join(cell.decode("gb2312", errors="ignore") for cell in cells)


def counted(folder: str, column: str, most: float) -> Exposures:
    """The exposures in the shards of a run, or of a folder of shards. Raises ``UsageError``."""
    place = storage.join(folder, "shards")
    if not storage.exists(storage.join(place, shard.MANIFEST_NAME)):
        place = folder
    if not storage.exists(storage.join(place, shard.MANIFEST_NAME)):
        raise UsageError(f"{folder}: no shards in it; expected the output of a finished run")
    exposures = Exposures(most)
    for info in shard.read_manifest(place):
        path = storage.join(place, info.file)
        there = shard.outline(path).columns
        wanted = [of for of in ("text_regions", "text_boxes", column) if of in there]
        if column not in there or "text_regions" not in there:
            lacking = column if column not in there else "text_regions"
            raise UsageError(
                f"{path}: no column {lacking!r}; expected a run with groupings: "
                "[taxonomy.token_frequency], or --weight with another column of numbers"
            )
        for batch in shard.read(path, wanted):
            for row in batch.to_pylist():
                weight = row[column]
                exposures.add(_shown(row), 1.0 if weight is None else weight)
    return exposures


def _shown(row: Mapping[str, Any]) -> list[str]:
    """The characters that a row shows: as it was rendered, else as it was read."""
    boxes = [of["text"] for of in row.get("text_boxes") or () if of["level"] == "line"]
    read = (of for of in row["text_regions"] or () if (of["score"] or 0.0) >= SCORE)
    own = tokens(boxes or [of["text"] for of in read if of["text"]])
    return [token for token in own if is_character(token)]


@app.command(epilog=EXAMPLE)
def main(
    out: Annotated[
        str, typer.Argument(help="Output of a finished run, or shards.", parser=user_paths.place)
    ],
    target: Annotated[int, typer.Option(min=1, help="Exposures that each is to have.")] = 100,
    weight: Annotated[str, typer.Option(help="The column of weights.")] = "token_weight",
    most: Annotated[
        float, typer.Option(min=1, help="An image counts at most so many times to the supply.")
    ] = 10.0,
    characters: Annotated[
        str | None,
        typer.Option(
            help="A file of all characters that are wanted; else the 6,763 of GB 2312.",
            parser=user_paths.place,
        ),
    ] = None,
) -> None:
    """Print characters that lack exposures, a tab, and how many: for synthesis.render --need.

    What came of the weights, and would of rendering, goes to the other output.
    """
    wanted = hanzi(gb2312() if characters is None else _text(characters))
    if not wanted:
        raise UsageError(f"--characters {characters}: no character of Chinese in it")
    exposures = counted(out, weight, most)
    for character, number in exposures.need(target, wanted).items():
        sys.stdout.write(f"{character}\t{number}\n")
    for line in exposures.lines(target, wanted):
        print(line, file=sys.stderr)  # noqa: T201


def _text(path: str) -> str:
    try:
        lines = storage.read_bytes(path).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--characters {path}: {error}; expected a text in UTF-8") from None
    return "".join(line for line in lines if not line.startswith("#"))


if __name__ == "__main__":
    commands.main("taxonomy.deficit", app)
