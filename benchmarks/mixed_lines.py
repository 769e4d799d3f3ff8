"""How fast a small model learns to write two lines that mix Latin and hanzi: pages it never saw, of
lines that it never saw.

Renders the pages, trains on them by the public command and prints accuracy over CPU seconds.

    python -m benchmarks.mixed_lines --out OUT --threads 2

The accuracy is what its label says: one font, fixed layout, unseen strings of seen glyphs. A page
counts where every cell, blanks and ink included, is nearest to the right template. Its grid is
``OUT/train/samples``.
"""

import argparse
import itertools
import os
import sys
from pathlib import Path

from benchmarks import string_pages
from benchmarks.held_out_strings import report, train, verdict

TARGET_SECONDS = 400.0  # of CPU time
PAGES, HELD_OUT_PAGES = 12_288, 512
SETTINGS = """
steps: 480
batch: 128
data: {sizes: [], resize: false}
evaluation: {every: 120, images: 64, steps: 8}
"""


def pages(folder: Path) -> str:
    """Shards of pages to train on and of held-out ones; returns their glob."""
    held_out = string_pages.pages(2, HELD_OUT_PAGES, held_out=True)
    return string_pages.write(
        folder, itertools.chain(held_out, string_pages.pages(1, PAGES, held_out=False))
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    data = pages(options.out / "pages")
    run = train(
        "two lines of Latin and hanzi",
        data,
        options.out / "train",
        options.threads,
        options.seed,
        SETTINGS,
    )
    report(run)
    took, within = f"{run.cpu_seconds:.0f} CPU-s", f"{TARGET_SECONDS:.0f} CPU-s"
    in_time = run.cpu_seconds <= TARGET_SECONDS
    return 0 if verdict("pages", run, took, within, in_time=in_time) else 1


if __name__ == "__main__":
    sys.exit(main())
