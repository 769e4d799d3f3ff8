"""How often each character of the national table is rendered, by level."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from curation.failures.errors import UsageError
from synthesis.characters import table


@dataclass(frozen=True)
class LevelReport:
    """Of a level's ``characters``, how many were ``rendered`` at all, and how many ``at_floor``.

    ``fewest``, ``tenth`` (10th percentile) and ``median`` are times a character was rendered;
    ``below`` are the characters under the floor, in the table's order.
    """

    level: int
    characters: int
    rendered: int
    at_floor: int
    fewest: int
    tenth: int
    median: int
    below: str


def coverage_report(texts: Iterable[str], floor: int) -> tuple[LevelReport, ...]:
    """A report per level of the characters in ``texts``, each of which is an image's.

    A character counts once per image. ``floor`` is the least number of times.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(text))
    return tuple(
        _level(level, line, counts, floor) for level, line in enumerate(table.levels(), start=1)
    )


def _level(level: int, line: str, counts: Counter[str], floor: int) -> LevelReport:
    times = sorted(counts[character] for character in line)
    below = "".join(character for character in line if counts[character] < floor)
    return LevelReport(
        level=level,
        characters=len(line),
        rendered=sum(1 for count in times if count),
        at_floor=len(line) - len(below),
        fewest=times[0],
        tenth=times[len(times) // 10],
        median=times[len(times) // 2],
        below=below,
    )


def rendered_texts(folder: Path) -> Iterator[str]:
    """For each image of the shards below ``folder``: the text of its boxes of level ``glyph``.

    Raises ``UsageError`` where there are no shards, or one has no boxes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = sorted(folder.rglob("*.parquet")) if folder.is_dir() else []
    if not paths:
        raise UsageError(f"--shards {folder}: no folder with .parquet files in it")
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(1000, columns=["text_boxes"]):
                    for boxes in batch.column(0).to_pylist():
                        yield "".join(_glyphs(boxes or []))
        except (pa.ArrowException, IndexError) as error:
            raise UsageError(f"{path}: expected a shard with column `text_boxes`") from error


def _glyphs(boxes: Iterable[dict[str, str]]) -> Iterator[str]:
    return (box["text"] for box in boxes if box["level"] == "glyph")
