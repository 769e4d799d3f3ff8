"""Hidden faces, made by the hundred, and what is dropped of clean images.

    python -m benchmarks.portraits ../shared/data

FOLDER holds images with a ``manifest.csv`` (its head says the columns). Faces are those that both
networks see in its photographs and in scikit-image's; each is hidden under blocks or a blur
of several strengths, shapes and sizes, and the image stored as JPEG. Blocks are counted by how many
are across a face, blur by its deviation as a share of the face's width. Shares have 95 % intervals
(Wilson's). Faces under ``--least`` pixels are counted beside.
"""

import argparse
import csv
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from random import Random

import cv2
import numpy as np

from benchmarks.defects.intervals import shown
from benchmarks.from_tests import elements
from curation.picture import decoding
from curation.signals.faces import faces
from curation.signals.hidden_faces import SIDE, hidden_faces
from curation.signals.mosaics import mosaics
from curation.signals.row import Row
from curation.signals.signal import ready

CLEAN = {
    "photographs": ("photo", "photo-open", "quality-clean"),
    "documents": ("text-rich",),
    "clip-art": ("captioned",),
}
STRENGTHS: Mapping[str, Sequence[float]] = {
    "mosaic": (5, 6, 8, 10, 12, 16),
    "blur": (0.08, 0.12, 0.16, 0.2, 0.25),
}
MOSAIC = 0.008  # as in pipelines.yaml, of blocks anywhere
GROWN = (1.1, 1.3, 1.5)  # of a face's box: what is hidden
QUALITIES = (75, 85, 92)


def row(data: bytes) -> Row:
    """An image alone."""
    return Row("", data, {}, {})


def kinds(folder: Path) -> dict[str, list[tuple[str, bytes]]]:
    """Names and files of clean images by group."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    return {
        group: [
            (line["file"], (folder / line["file"]).read_bytes())
            for line in lines
            if line["kind"] in of
        ]
        for group, of in CLEAN.items()
    }


def with_faces(files: Sequence[bytes]) -> Iterator[tuple[np.ndarray, list[float]]]:
    """Images, and of each face that is surely one the box in pixels: left, top, right, bottom."""
    measure = ready(faces)
    for data in files:
        rgb = decoding.decode(data, SIDE).rgb
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        same = cv2.imencode(".png", bgr)[1].tobytes()
        for region in measure([row(same)])[0]["face_regions"]:
            if region["score"] >= 0.6:
                yield rgb, [region["quad"][place] for place in (0, 1, 4, 5)]


def made(files: Sequence[bytes], seed: int, least: int) -> None:
    """Print how many hidden faces are seen, by kind and strength."""
    chance, measure, anywhere = Random(seed), ready(hidden_faces), ready(mosaics)
    seen: dict[tuple[str, str], list[bool]] = {}
    places = list(with_faces(files))
    for rgb, box in places:
        group = "small" if box[2] - box[0] < least else "large"
        for how, strengths in STRENGTHS.items():
            for strength in strengths:
                shape, grown = chance.choice(("ellipse", "rectangle")), chance.choice(GROWN)
                hidden = elements.hidden(rgb, box, how, strength, shape, grown)
                data = elements.jpeg(hidden, chance.choice(QUALITIES))
                (said,) = measure([row(data)])
                hit = said["hidden_faces"] > 0
                if how == "mosaic":
                    hit = hit or anywhere([row(data)])[0]["mosaic"] > MOSAIC
                names = (f"{how} {strength}", how) if group == "large" else (f"{how}, small",)
                for name in names:
                    seen.setdefault((group, name), []).append(hit)
    print(f"{len(places)} faces; 'small' are under {least} pixels wide")
    for (_, name), hits in sorted(seen.items()):
        print(f"  {name:<16} seen {shown(sum(hits), len(hits))}", flush=True)


def clean(files: Mapping[str, Sequence[tuple[str, bytes]]]) -> None:
    """Print what is dropped of clean images, and which."""
    measure = ready(hidden_faces)
    for group, of in files.items():
        start, dropped = time.process_time(), []
        for name, data in of:
            image = row(data)
            if measure([image])[0]["hidden_faces"]:
                dropped.append(Path(name).stem)
        cost = (time.process_time() - start) / max(1, len(of)) * 1000
        print(f"{group}: dropped {shown(len(dropped), len(of))}, {cost:.0f} ms an image", dropped)


def main() -> None:
    """Both parts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--least", type=int, default=40, help="pixels of a face that is large")
    asked = parser.parse_args()
    if not (asked.folder / "manifest.csv").exists():
        raise SystemExit(f"{asked.folder}: no manifest.csv there")
    cv2.setNumThreads(1)
    files = kinds(asked.folder)
    clean(files)
    packaged = (resources.files("skimage.data") / "astronaut.png").read_bytes()
    made([*(data for _, data in files["photographs"]), packaged], asked.seed, asked.least)


if __name__ == "__main__":
    main()
