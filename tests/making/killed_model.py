"""A run whose model notes every batch it is asked about, and kills its process before one of them.

As a program: python -m making.killed_model ROOT BATCH, where ROOT has images in ``in``. Batches are
of two images, and what is seen of them is written at once.
"""

import os
import signal as signals
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from making.in_process import borrowed
from making.pipelines import WITHOUT_MODELS
from making.runs import carry_out

from curation.graphs import measuring
from curation.measuring import asking, models
from curation.signals import discovery
from curation.signals.row import Row
from curation.signals.signal import Column, Signal

ALONE = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]


def main(root: Path, last: int) -> None:
    """Run; the process dies when the model is asked about batch number ``last``, counted from 0."""
    asked = root / "asked.txt"

    def measure(rows: Sequence[Row]) -> list[dict[str, float]]:
        with asked.open("a", encoding="utf-8") as file:
            file.write(" ".join(row.id for row in rows) + "\n")
        if len(asked.read_text(encoding="utf-8").splitlines()) > last:
            os.kill(os.getpid(), signals.SIGKILL)
        return [{"score": float(row.header.width)} for row in rows]

    columns = {"score": Column(pa.float32(), "1", "of a test")}
    score = Signal("score", "model", 1, columns, lambda: measure)
    known = [entry for entry in discovery.discover() if entry.tier != "model"]
    discovery.discover = lambda modules=(): [*known, score]
    models.BATCH_SIZE, measuring.WRITING_SHARE = 2, 0
    asking.borrowed = borrowed
    (root / "pipelines.yaml").write_text(WITHOUT_MODELS + "          score: {min: 1}\n")
    carry_out([str(root / "in")], str(root / "out"), ALONE, 100)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
