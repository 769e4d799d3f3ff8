"""What is seen of hidden faces and lost of clean images, with 95 % intervals (Wilson's)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.defects.intervals import shown
from benchmarks.hidden_faces.looks import Look

Floats = NDArray[np.float64]
NAMED = 12  # lost images of a group whose names are printed


def report(
    looks: Sequence[Look], stated: Mapping[str, Floats], bounds: Mapping[str, float], least: float
) -> None:
    """Both, at those bounds of the probabilities stated of each image (N,) by kind of patch; faces
    less than ``least`` pixels wide are counted apart.
    """
    drops = np.any([stated[kind] >= bounds[kind] for kind in bounds], axis=0)
    print("bounds: " + ", ".join(f"{kind} {bound:.3f}" for kind, bound in bounds.items()))
    faces = {(of.name, of.middle, of.width >= least) for of in looks if of.how}
    large = sum(enough for _, _, enough in faces)
    print(f"{large} faces from {least:g} pixels, {len(faces) - large} smaller")
    seen: dict[str, list[bool]] = {}
    for of, dropped in zip(looks, drops.tolist(), strict=True):
        if of.how:
            large_names = (of.how, f"{of.how} {of.strength:g}")
            for name in large_names if of.width >= least else (f"{of.how}, smaller",):
                seen.setdefault(name, []).append(dropped)
    for name, hits in sorted(seen.items()):
        print(f"  {name:<16} seen {shown(sum(hits), len(hits))}")
    for group in sorted({of.group for of in looks}):
        rows = [row for row, of in enumerate(looks) if of.group == group and not of.how]
        lost = [Path(looks[row].name).stem for row in rows if drops[row]]
        print(f"  {group:<16} lost {shown(len(lost), len(rows))} {', '.join(lost[:NAMED])}")


def bounds(looks: Sequence[Look], stated: Mapping[str, Floats], lost: float) -> dict[str, float]:
    """The laxest that lose no more than that share of the clean images by each kind of patch."""
    clean = np.array([not of.how for of in looks])
    highest = {kind: np.sort(of[clean])[::-1] for kind, of in stated.items()}
    return {kind: float(np.nextafter(of[int(lost * len(of))], 2)) for kind, of in highest.items()}
