"""The same reads, decodes and signals as a run, by ``multiprocessing.Pool`` and nothing else.

``python -m benchmarks.cluster.bare FOLDER UNIT_ROWS WORKERS``: every unit is measured to a table in
memory, and every decodable file is read a second time, as a run does to write it.
"""

import multiprocessing
import sys

from curation import sources
from curation.measuring import measure
from curation.signals import discovery
from curation.sources import plan
from curation.sources.sample import Unit


def measured(unit: Unit) -> tuple[int, int]:
    """Rows of one unit, and bytes read the second time."""
    import cv2

    cv2.setNumThreads(1)
    table = measure.measure(sources.read(unit), discovery.discover())
    rows = table.select(["uri", "reason"]).to_pylist()
    uris = {row["uri"] for row in rows if row["reason"] is None}
    again = sum(len(sample.data or b"") for sample in sources.read(unit, only=uris))
    return table.num_rows, again


if __name__ == "__main__":
    folder, unit_rows, workers = sys.argv[1:]
    with multiprocessing.Pool(int(workers)) as pool:
        units = plan.plan([folder], int(unit_rows))
        print(sum(rows for rows, _ in pool.imap_unordered(measured, units)))
