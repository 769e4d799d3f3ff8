"""Fit the rules of ``curation/signals/data/hidden_faces.json`` anew; say what they see and lose.

    python -m benchmarks.hidden_faces.fit ../shared/data [FOLDER...]     # --write, --every N

A FOLDER with a ``manifest.csv`` gives its clean images, any other all that it holds, as photographs
(drawings where ``--drawings`` begins their names). Every face that both networks see is hidden in
each way and strength. The rules are fitted in folds of which no two share an image, and what is
said of an image by the rules of the folds without it is printed: what is seen by kind and strength,
what is lost of clean images by group, with 95 % intervals (Wilson's). ``--write`` replaces the
rules by ones fitted to all.
"""

import argparse
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.defects import logistic
from benchmarks.defects.logistic import Recipe
from benchmarks.hidden_faces import report, sources
from benchmarks.hidden_faces.looks import Look, looks
from curation.signals import hidden_faces
from curation.signals.defects import Rule
from curation.signals.hidden_faces import COLUMNS, Place

SEED = 20261130
FOLDS = 5
LOST = (0.003, 0.006)  # of the clean images, by each kind of patch
PRODUCTS = {"mosaic": (("even", "flat"),), "blur": ()}
Floats = NDArray[np.float64]


def fold(name: str) -> int:
    """The fold of an image's name: no image is in two of them."""
    return zlib.crc32(name.encode()) // 7 % FOLDS


def rules(seen: Sequence[Look]) -> dict[str, Rule]:
    """A rule for each kind of patch: the surest head at each hidden face against all places of
    clean images.
    """
    fitted = {}
    for kind, names in COLUMNS.items():
        hidden, clean = list[Place](), list[Place]()
        for of in seen:
            places = [place for place in of.places if place.kind == kind]
            if not of.how:
                clean += places
            elif of.how == kind:
                hidden += [place for place in places if of.at_face(place)][:1]
        columns = {name: np.array([of.columns[name] for of in hidden + clean]) for name in names}
        is_hidden = np.arange(len(hidden) + len(clean)) < len(hidden)
        recipes, weights = [Recipe(name) for name in names], np.ones(len(is_hidden))
        fitted[kind] = logistic.rule(columns, recipes, PRODUCTS[kind], is_hidden, weights)
    return fitted


def stated(seen: Sequence[Look], by_fold: Sequence[Mapping[str, Rule]]) -> dict[str, Floats]:
    """The highest probability of each image (N,) by kind of patch, by the rules of its fold."""
    highest = {kind: np.zeros(len(seen)) for kind in COLUMNS}
    for row, of in enumerate(seen):
        known = by_fold[fold(of.name) % len(by_fold)]
        for place in of.places:
            probability = known[place.kind].probability(place.columns)
            highest[place.kind][row] = max(highest[place.kind][row], probability)
    return highest


def main() -> None:
    """Read the arguments, look, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--every", type=int, default=1, help="one in so many of a manifest")
    parser.add_argument("--drawings", nargs="*", default=[], help="how names of drawings begin")
    parser.add_argument("--least", type=float, default=40, help="pixels of a face that is large")
    parser.add_argument("--write", action="store_true", help="replace the rules of the signal")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    drawn = tuple(asked.drawings)
    seen = [
        look
        for folder in asked.folders
        for look in looks(sources.images(folder, asked.every, drawn), SEED)
    ]
    folds = [fold(of.name) for of in seen]
    by_fold = [
        rules([of for of, its in zip(seen, folds, strict=True) if its != left_out])
        for left_out in range(FOLDS)
    ]
    out_of_fold = stated(seen, by_fold)
    for lost in LOST:
        report.report(seen, out_of_fold, report.bounds(seen, out_of_fold, lost), asked.least)
    if asked.write:
        hidden_faces.FILE.write_text(logistic.as_json(rules(seen)), encoding="utf-8")


if __name__ == "__main__":
    main()
