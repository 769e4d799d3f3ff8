"""What weights do against the long tail of Chinese characters, and what is left to render.

``python -m benchmarks.deficit --rows 100000``

Each row shows five words of the dictionary that ships, drawn by Zipf's law in a shuffled order, and
is weighted by ``taxonomy.token_frequency``. Characters are those of the national table.

The table is what follows from the weights; below it stands what the trainer shows: the rows of
whole epochs of its own plan (``train.data.plan``), without weights, with them, and with images of
what lacks beside, of five such characters each, counted in as many images as there are rows.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer

from curation.groupings.grouping import PASSED
from curation.signals.regions import REGIONS
from synthesis.characters import planning, table
from taxonomy.deficit import FEW, Exposures, entropy, hanzi
from taxonomy.token_frequency import TOKEN_FREQUENCY, Options
from train.data.index import Index, RowGroup
from train.data.plan import Plan

WORDS = 5  # in an image
EPOCHS = 2  # what a weight leaves to chance in one differs in the next
BATCH, GROUP, WINDOW = 64, 100, 20_000


def index(weights: Sequence[float]) -> Index:
    """Rows of one size with these weights and a caption each, as the trainer knows them."""
    count = len(weights)
    every = np.arange(count)
    return Index(
        groups=tuple(RowGroup("", number) for number in range(-(-count // GROUP))),
        sizes=((640, 640),),
        group=(every // GROUP).astype(np.int32),
        row=(every % GROUP).astype(np.int32),
        size=np.zeros(count, np.int16),
        weight=np.asarray(weights, np.float32),
        captions=np.ones((count, 1), np.uint8),
        first=every.astype(np.int32),
        caption_bytes=np.full(count, 60, np.uint16),
    )


def shown(texts: Sequence[str], weights: Sequence[float], rows: int) -> tuple[Counter[int], float]:
    """How often the trainer shows each text in whole epochs, and what makes ``rows`` of that."""
    plan = Plan(index(weights), BATCH, 1, (1.0,), WINDOW)
    times: Counter[int] = Counter()
    for epoch in range(EPOCHS):
        for batch in plan.following(epoch * plan.per_epoch + 1):
            times.update(batch.rows.tolist())
    return times, rows / times.total()


def of_trainer(title: str, texts: Sequence[str], times: Mapping[int, int], scale: float,
               wanted: Sequence[str]) -> str:  # fmt: skip
    """A line on what the trainer showed of the texts, so many times each."""
    exposures: Counter[str] = Counter()
    for place, count in times.items():
        for character in hanzi(texts[place]):
            exposures[character] += count
    values = np.array([exposures[of] * scale for of in wanted])
    below = "".join(f"{int((values < of - 1e-9).sum()):8}" for of in FEW)
    counts = np.array([times.get(place, 0) for place in range(len(texts))], np.float64)
    size = counts.sum() ** 2 / (len(counts) * (counts**2).sum())
    often = f"effective sample size {size:.3f}, most often {counts.max() / EPOCHS:.1f} an epoch"
    return f"{title:16}{below}{np.median(values):9.1f}{entropy(values):9.3f}   {often}"


def rendered(need: Mapping[str, int]) -> Iterator[str]:
    """Texts of five of the characters that lack, until none does."""
    left = Counter(need)
    while left := Counter({of: count for of, count in left.items() if count > 0}):
        most = [of for of, _ in left.most_common()]
        for start in range(0, len(most), WORDS):
            yield "".join(most[start : start + WORDS])
        left.subtract(most)


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
    lines = [*exposures.lines(target, wanted), "shown by the trainer:"]
    ones = [1.0] * rows
    lines.append(of_trainer("without weights", texts, *shown(texts, ones, rows), wanted))
    lines.append(of_trainer("weighted", texts, *shown(texts, weights, rows), wanted))
    more = [*texts, *rendered(exposures.need(target, wanted))]
    own = [*weights, *([float(np.mean(weights))] * (len(more) - rows))]
    times, scale = shown(more, own, len(more))
    lines.append(of_trainer("with renders", more, times, scale, wanted))
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    typer.run(main)
