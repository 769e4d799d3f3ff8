"""Hidden faces, made by the hundred, and what is dropped of clean images, by the signal as it is.

    python -m benchmarks.portraits FOLDER

FOLDER is as ``benchmarks.hidden_faces.fit`` takes it, which prints the same by rules that have not
seen an image: where the rules were fitted to FOLDER, more is seen here than elsewhere. Blocks are
counted by how many are across a face, blur by its deviation as a share of the face's width. Shares
have 95 % intervals (Wilson's). Faces under ``--least`` pixels are counted apart.
"""

import argparse
import time
from pathlib import Path

import cv2

from benchmarks.hidden_faces import looks, report, sources
from benchmarks.hidden_faces.fit import stated
from curation.signals import defects, hidden_faces
from curation.signals.hidden_faces import HiddenFacesSettings


def main() -> None:
    """Both parts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--every", type=int, default=1, help="one in so many of a manifest")
    parser.add_argument("--least", type=float, default=40, help="pixels of a face that is large")
    asked = parser.parse_args()
    if not asked.folder.is_dir():
        raise SystemExit(f"{asked.folder}: no such folder")
    cv2.setNumThreads(1)
    start = time.process_time()
    seen = list(looks.looks(sources.images(asked.folder, asked.every), asked.seed))
    cost = (time.process_time() - start) / max(1, len(seen)) * 1000
    rules = defects.read(hidden_faces.FILE.read_text(encoding="utf-8"))
    report.report(seen, stated(seen, [rules]), HiddenFacesSettings().model_dump(), asked.least)
    print(f"{cost:.0f} ms of CPU an image, with what makes it")


if __name__ == "__main__":
    main()
