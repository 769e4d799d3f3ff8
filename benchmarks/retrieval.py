"""CPU time, memory and disk of searching a pool of made captions and vectors.

``python -m benchmarks.retrieval --rows 1000000``

Captions are of 30 words drawn by Zipf's law from WordNet's lemmas, every third in Chinese; vectors
of 512 numbers lie around 3000 centres. They are added in units of 10,000 rows, as from a run; that
they are made is left out of the time. Then queries are asked of both: sentences of three words,
nodes, and vectors near those of rows.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from taxonomy import keywords
from taxonomy.keywords import Index
from taxonomy.tree import nouns
from taxonomy.vectors import Matrix

UNIT, SIZE, CENTRES, WORDS, MOST = 10_000, 512, 3000, 30, 500
NODES = ("n02084071", "n01503061", "n07707451", "n04524313", "poster")


def captions(unit: int, english: NDArray[np.object_], chinese: NDArray[np.object_]) -> list[str]:
    """The captions of a unit."""
    random = np.random.default_rng(unit)
    ranks = random.zipf(1.2, (UNIT, WORDS)) - 1
    words = english[ranks % len(english)]
    others = chinese[ranks % len(chinese)]
    pairs = enumerate(zip(words, others, strict=True))
    return ["".join(of[1]) if row % 3 == 0 else " ".join(of[0]) for row, of in pairs]


def vectors(unit: int) -> NDArray[np.float32]:
    """The vectors of a unit."""
    centres = np.random.default_rng(0).standard_normal((CENTRES, SIZE), np.float32)
    random = np.random.default_rng(unit + 1)
    own = random.standard_normal((UNIT, SIZE), np.float32)
    return np.asarray(own + centres[random.integers(0, CENTRES, UNIT)], np.float32)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(
    rows: Annotated[int, typer.Option(help="Rows of the pool.")] = 1_000_000,
    queries: Annotated[int, typer.Option(help="Queries of each kind.")] = 20,
) -> None:
    """Print what was measured as JSON."""
    random = np.random.default_rng(1)
    table = nouns()
    english = np.array([of[0] for of in table["lemmas"].to_pylist()], object)
    chinese = np.array([of[0] for of in table["chinese"].to_pylist() if of], object)
    for words in (english, chinese):
        random.shuffle(words)
    asked = [" ".join(english[random.zipf(1.2, 3) % len(english)]) for _ in range(queries)]
    asked += ["".join(chinese[random.zipf(1.2, 2) % len(chinese)]) for _ in range(queries)]
    made = [*map(keywords.any_of, asked)]
    nodes = [*map(keywords.of_node, NODES)]
    captions(0, english, chinese), vectors(0)
    before, cpu = _megabytes(), dict.fromkeys(("index", "vectors"), 0.0)
    with tempfile.TemporaryDirectory() as folder:
        index, matrix = Index(f"{folder}/texts"), Matrix(Path(folder) / "vectors", SIZE)
        for unit in range(rows // UNIT):
            texts, own = captions(unit, english, chinese), vectors(unit)
            named = [(f"{unit * UNIT + n:032x}", f"{n % 97}/{n}", of) for n, of in enumerate(texts)]
            started = time.process_time()
            index.add(unit * UNIT, named)
            cpu["index"] += time.process_time() - started
            started = time.process_time()
            matrix.add(own)
            cpu["vectors"] += time.process_time() - started
        disk = {of.name: round(of.stat().st_size / 1e6) for of in Path(folder).iterdir()}
        for name, every in {"sentence": made, "node": nodes}.items():
            started = time.process_time()
            for query in every:
                index.search(query, MOST)
            cpu[f"a {name}"] = (time.process_time() - started) / len(every)
        started = time.process_time()
        matrix.nearest(matrix.direction(vectors(3)[:queries]), MOST, 0.15)
        cpu[f"{queries} vectors"] = time.process_time() - started
    result = {
        "rows": rows,
        "cpu_seconds": {name: round(of, 3) for name, of in cpu.items()},
        "megabytes_more": round(_megabytes() - before),
        "megabytes_on_disk": disk,
    }
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
