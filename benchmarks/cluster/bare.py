"""The same reads, decodes and signals as a run, by ``multiprocessing.Pool`` and nothing else.

``python -m benchmarks.cluster.bare FOLDER UNIT_ROWS WORKERS``: every unit is measured to a table in
memory, and every decodable file is read a second time, as a run does to write it.
"""

import multiprocessing
import sys

from curation import measure, plan, signal, sources
from curation.sources.sample import Unit


def measured(unit: Unit) -> int:
    """Rows of one unit."""
    import cv2

    cv2.setNumThreads(1)
    table = measure.measure(sources.read(unit), signal.discover(()))
    uris = {row["uri"] for row in table.select(["uri", "reason"]).to_pylist() if not row["reason"]}
    return table.num_rows + 0 * sum(len(one.data or b"") for one in sources.read(unit, only=uris))


if __name__ == "__main__":
    folder, unit_rows, workers = sys.argv[1:]
    with multiprocessing.Pool(int(workers)) as pool:
        units = plan.plan([folder], int(unit_rows))
        print(sum(pool.imap_unordered(measured, units)))
