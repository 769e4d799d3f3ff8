"""What weights do against the long tail of Chinese characters, and what is left to render.

``python -m benchmarks.deficit --rows 100000``

Each row shows five words of the dictionary that ships, drawn by Zipf's law in a shuffled order, and
is weighted by ``taxonomy.token_frequency``. Characters are those of the national table.
"""

import sys
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer

from curation.groupings.grouping import PASSED
from curation.signals.regions import REGIONS
from synthesis.characters import planning, table
from taxonomy.deficit import Exposures, hanzi
from taxonomy.token_frequency import TOKEN_FREQUENCY, Options

WORDS = 5  # in an image


def main(
    rows: Annotated[int, typer.Option(help="Rows, each with a text.")] = 100_000,
    target: Annotated[int, typer.Option(help="Exposures that a character is to have.")] = 100,
    threshold: Annotated[float, typer.Option(help="Of the weights.")] = 0.001,
    most: Annotated[float, typer.Option(help="The largest weight.")] = 10.0,
) -> None:
    """Print exposures before, with weights, and with what is to be rendered."""
    words = np.array(sorted({of for every in planning.words().values() for of in every}))
    random = np.random.default_rng(0)
    random.shuffle(words)
    often = 1 / (np.arange(len(words)) + 2.7)
    drawn = random.choice(words, (rows, WORDS), p=often / often.sum())
    texts = ["".join(of) for of in drawn.tolist()]
    regions = [[{"kind": "", "text": text, "score": 1.0, "quad": []}] for text in texts]
    stages = pa.array(np.ones(rows, np.int16))
    unit = pa.table({"text_regions": pa.array(regions, REGIONS), PASSED: stages})
    grouping = TOKEN_FREQUENCY.with_options(Options(threshold=threshold, most=most))
    weights = grouping.measure("", unit, grouping.summary("", unit))["token_weight"].to_pylist()
    exposures = Exposures(most)
    for text, weight in zip(texts, weights, strict=True):
        exposures.add(hanzi(text), weight)
    wanted = [*table.level_of()]
    sys.stdout.writelines(f"{line}\n" for line in exposures.lines(target, wanted))


if __name__ == "__main__":
    typer.run(main)
