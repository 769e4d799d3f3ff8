"""How well captions and looks are told: python -m benchmarks.image_text [FOLDER]

FOLDER has a manifest.csv with file, caption_en, caption_zh and expected (see docs/calibration.md).
Prints, for each set of images and language, how often the right caption scores above another
image's (pair accuracy), what a bound of the score loses of right captions and drops of others', and
how often a clean Kodak image is held for more beautiful than its damaged copies. No
caption or image of these sets fitted the map; but that names are centred, and both parts weighed
alike, was chosen among a dozen ways on these very sets, so that the figures flatter a little.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.signals import aesthetics, alignment, classes, embedding
from curation.signals.row import Row
from curation.signals.signal import ready

BOUND = -0.05
SETS = ("photos", "captioned")
Rows = Sequence[dict[str, str]]


def vectors(folder: Path, rows: Rows) -> list[dict[str, Any]]:
    """What the models say of every image."""
    measures = [ready(embedding.embedding), ready(classes.classes)]
    measured = []
    for entry in rows:
        row, columns = Row("", (folder / entry["file"]).read_bytes(), {}, {}), dict[str, Any]()
        for measure in measures:
            columns |= measure([row])[0]
        measured.append(columns)
    return measured


def scores(scorer: alignment.Scorer, seen: Sequence[dict[str, Any]], texts: Sequence[str]) -> Any:
    """(images, captions): every caption with every image."""
    images = [scorer.image(of["embedding"], of["classes"], of["class_scores"]) for of in seen]
    return np.stack(images) @ np.stack([scorer.sentence(text) for text in texts]).T


def pair_accuracy(found: NDArray[np.float32], texts: Sequence[str]) -> float:
    """Of all pairs of an image and another's caption that reads otherwise: the right one above."""
    right = found.diagonal()[:, None]
    other = np.asarray(texts)[:, None] != np.asarray(texts)[None]
    above = (found < right) + 0.5 * (found == right)
    return float(above[other].mean())


def tell_captions(folder: Path, manifest: Rows, every: int) -> None:
    """Print a line for each set and language."""
    scorer = alignment.Scorer()
    for name in SETS:
        rows = [row for row in manifest if row["file"].startswith(f"{name}/")][::every]
        seen = vectors(folder, rows)
        for language in ("en", "zh"):
            key = f"caption_{language}"
            said = [place for place, row in enumerate(rows) if row[key].strip()]
            texts = [rows[place][key] for place in said]
            found = scores(scorer, [seen[place] for place in said], texts)
            others = found[~np.eye(len(found), dtype=bool)]
            print(
                f"{name:<10} {language}  {len(said)} images  pair accuracy "
                f"{pair_accuracy(found, texts):.3f}  at {BOUND:g}: loses "
                f"{(found.diagonal() < BOUND).mean():.3f} of right captions, drops "
                f"{(others < BOUND).mean():.3f} of others'"
            )


def tell_looks(folder: Path, manifest: Rows) -> None:
    """Print how clean images stand to their damaged copies."""
    images, judge = ready(embedding.embedding), ready(aesthetics.aesthetics)
    clean, damaged = dict[str, float](), defaultdict[str, list[tuple[str, float]]](list)
    for entry in manifest:
        if not entry["file"].startswith("quality/kodak_"):
            continue
        row = Row("", (folder / entry["file"]).read_bytes(), {}, {})
        row.columns = images([row])[0]
        score = judge([row])[0]["aesthetics"]
        number = entry["file"].split("_")[1].split(".")[0]
        if "clean" in entry["expected"]:
            clean[number] = score
        else:
            damaged[entry["expected"]].append((number, score))
    pairs = [(clean[n], of) for entries in damaged.values() for n, of in entries]
    print(
        f"aesthetics  clean above damaged in {np.mean([a > b for a, b in pairs]):.3f} of "
        f"{len(pairs)} pairs; mean {np.mean(list(clean.values())):.2f} of clean, "
        f"{np.mean([b for _, b in pairs]):.2f} of damaged"
    )
    for kind, entries in sorted(damaged.items()):
        above = np.mean([clean[n] > of for n, of in entries])
        print(f"    {kind:<34}{above:.2f} of {len(entries)}")


def main() -> None:
    """Read the manifest and tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--every", type=int, default=1, help="use every nth image")
    chosen = parser.parse_args()
    if not (chosen.folder / "manifest.csv").is_file():
        print(f"{chosen.folder}: no manifest.csv there; name a folder that has one")
        return
    with (chosen.folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        manifest = list(csv.DictReader(file))
    tell_captions(chosen.folder, manifest, chosen.every)
    tell_looks(chosen.folder, manifest)


if __name__ == "__main__":
    main()
