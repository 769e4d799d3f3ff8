"""What every bound of ``pipelines.yaml`` would lose of good images and catch of damaged ones.

Runs every signal over a folder with a ``manifest.csv`` (columns ``file``, ``kind``, ``expected``,
``group``) and over damaged versions made here of its photographs. With ``--sheets`` the good images
that a bound would lose, and the damaged ones it would let through, are written as contact sheets.

    python -m benchmarks.calibrate ../shared/data --sheets /tmp/sheets
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.from_tests import DEFECTS
from curation.configuration import loading
from curation.configuration.models import Bound, Stage
from curation.groupings.duplicates import near
from curation.picture import contact_sheet, decoding
from curation.signals import discovery, signal
from curation.signals.row import Row
from curation.signals.signal import ready

GOOD_KINDS = ("photo", "photo-open", "quality-clean", "text-rich", "captioned", "edit-source")
PHOTO_KINDS = ("photo", "photo-open", "quality-clean")
STRENGTHS: Mapping[str, tuple[float, ...]] = {
    "blurred": (1, 2, 3, 4, 6),
    "shaken": (9, 15, 21),
    "upscaled": (3, 6),
    "darkened": (0.5, 0.25, 0.12, 0.06),
    "brightened": (1.4, 1.9, 2.5, 4),
    "lifted": (60, 110, 160),
    "saturated": (1.5, 2, 3, 4, 6),
    "faded": (0.5, 0.25, 0.12, 0.06),
    "posterised": (8, 4, 3, 2),
    "noisy": (10, 20, 40, 80),
}
LONGEST = 800  # pixels: damage is done at the size of a typical web photograph
MAXIMUM_RADIUS = 8
Measurements = dict[str, float]


@dataclass(frozen=True)
class Item:
    """One measured image: its name, the kind it counts under, its columns, a thumbnail."""

    name: str
    kind: str
    group: str
    columns: Measurements
    small: np.ndarray


def measure(
    data: bytes, signals: list[signal.Signal], with_models: bool
) -> tuple[Measurements, np.ndarray]:
    """All columns of one file, ``size`` included. Raises ``PictureError``."""
    decoded = decoding.decode(data)
    row: Measurements = {"size": len(data)}
    for entry in signals:
        if entry.tier == "file":
            row |= ready(entry)(decoded.header)
        elif entry.tier in ("pixel", "derived"):
            row |= ready(entry)(decoded if entry.tier == "pixel" else row)
        elif with_models and not entry.is_of_pairs:
            row |= ready(entry)([Row("", data, {}, {})])[0]
    return row, decoded.small


def manifest_items(folder: Path, signals: list[signal.Signal], with_models: bool) -> list[Item]:
    """Every readable image of the manifest; damaged ones count under what is expected of them."""
    items = []
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        for line in csv.DictReader(stream):
            kind = line["kind"]
            if kind not in (*GOOD_KINDS, "quality-degraded", "dup", "watermark", "code"):
                continue
            try:
                row, small = measure((folder / line["file"]).read_bytes(), signals, with_models)
            except decoding.PictureError:
                continue
            if kind in ("quality-degraded", "dup"):
                kind = f"{kind}: {line['expected'].split(' of ')[0]}"
            items.append(Item(line["file"], kind, line["group"], row, small))
    return items


def damaged_items(folder: Path, photos: list[Item], signals: list[signal.Signal]) -> list[Item]:
    """Copies of the photographs with every defect at every strength, as JPEG of quality 90."""
    items = []
    for photo in photos:
        rgb = decoding.decode((folder / photo.name).read_bytes(), None).rgb
        scale = LONGEST / max(rgb.shape)
        if scale < 1:
            rgb = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for name, strengths in STRENGTHS.items():
            for strength in strengths:
                bgr = cv2.cvtColor(DEFECTS[name](rgb, strength), cv2.COLOR_RGB2BGR)
                data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
                row, small = measure(data, signals, False)
                kind = f"{name} {strength:g}"
                items.append(Item(f"{photo.name} {kind}", kind, "", row, small))
    return items


def breaks(bound: Bound, value: float) -> bool:
    """Whether the value lies outside the bound."""
    below = bound.min is not None and value < bound.min
    return below or (bound.max is not None and value > bound.max)


def broken(stages: Iterable[Stage], row: Measurements, columns: Iterable[str]) -> list[str]:
    """Which of the columns' bounds the row breaks, in stage order."""
    wanted = set(columns)
    return [
        column
        for stage in stages
        for column, bound in stage.bounds.items()
        if column in wanted and column in row and breaks(bound, row[column])
    ]


def by_kind(items: Iterable[Item]) -> dict[str, list[Item]]:
    """The items by kind, in order of first appearance."""
    kinds: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        kinds[item.kind].append(item)
    return dict(kinds)


def print_table(
    title: str, items: list[Item], stages: tuple[Stage, ...], columns: list[str]
) -> None:
    """One line per kind: how many break any bound, and how many each bound."""
    print(f"\n{title}")
    for kind, members in by_kind(items).items():
        found = [broken(stages, member.columns, columns) for member in members]
        counts = {column: sum(column in names for names in found) for column in columns}
        told = "  ".join(f"{column} {count}" for column, count in counts.items() if count)
        print(f"  {kind:52.52} {sum(map(bool, found)):4d} of {len(members):4d}   {told}")


def print_quantiles(items: list[Item], columns: list[str]) -> None:
    """The distribution of every ruled column over each good kind."""
    shares = (0, 0.005, 0.05, 0.5, 0.95, 0.995, 1)
    print("\nquantiles of good kinds: " + " ".join(f"{share:g}" for share in shares))
    for column in columns:
        for kind, members in by_kind(items).items():
            values = [item.columns[column] for item in members if column in item.columns]
            if values:
                told = " ".join(f"{value:10.4g}" for value in np.quantile(values, shares))
                print(f"  {column:14} {kind:16} {told}")


def hamming(first: Item, second: Item) -> int:
    """Differing bits of two perceptual hashes, one of them mirrored where those are fewer."""
    own, other = (np.uint64(item.columns["phash"]) for item in (first, second))
    return int(near.apart(own, other))


def print_duplicates(items: list[Item]) -> None:
    """Per radius: near-duplicates found, by kind, and distinct images taken for such."""
    bases = {item.group: item for item in items if "_base." in item.name}
    variants = [item for item in items if item.kind.startswith("dup: ") and item.group in bases]
    print("\nnear duplicates: found within a radius of 0 .. 8 bits")
    for kind, members in by_kind(variants).items():
        distances = [hamming(item, bases[item.group]) for item in members]
        found = [sum(d <= radius for d in distances) for radius in range(MAXIMUM_RADIUS + 1)]
        print(f"  {kind:52.52} {found} of {len(members)}")
    for kinds in (PHOTO_KINDS, ("text-rich",), ("captioned",)):
        distinct = [item for item in items if item.kind in kinds]
        pairs = [
            (bits, first.name, second.name)
            for first, second in combinations(distinct, 2)
            if (bits := hamming(first, second)) <= MAXIMUM_RADIUS
        ]
        found = [sum(bits <= radius for bits, *_ in pairs) for radius in range(MAXIMUM_RADIUS + 1)]
        print(f"  pairs among {len(distinct)} distinct {', '.join(kinds)}: {found}")
        for bits, first, second in sorted(pairs)[:12]:
            print(f"    {bits} bits: {first}  {second}")


def sheet(path: Path, items: list[Item], caption: Callable[[Item], str]) -> None:
    """A contact sheet of at most 200 thumbnails."""
    shown = items[:200]
    images = [Image.fromarray(item.small) for item in shown]
    contact_sheet.compose(images, [*map(caption, shown)], columns=12, side=128).image.save(path)


def write_sheets(
    folder: Path, good: list[Item], damaged: list[Item], stages: tuple[Stage, ...]
) -> None:
    """For every ruled column the good images lost, and the damaged ones nearest its bound."""
    folder.mkdir(parents=True, exist_ok=True)
    for stage in stages:
        for column in stage.bounds:
            for name, items in (("good", good), ("damaged", damaged)):
                lost = [i for i in items if broken((stage,), i.columns, [column])]
                if lost:
                    lost.sort(key=lambda item: item.columns[column])
                    path = folder / f"{stage.name}-{column}-{name}.png"
                    sheet(path, lost, lambda i, c=column: f"{i.columns[c]:.3g} {i.name[-14:]}")


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="folder with a manifest.csv")
    parser.add_argument("--pipelines", help="file with the bounds (default: pipelines.yaml)")
    parser.add_argument("--every", type=int, default=4, help="damage every n-th photograph")
    parser.add_argument("--sheets", type=Path, help="folder for contact sheets")
    parser.add_argument("--models", action="store_true", help="run the model signals, too")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    pipeline = loading.load(arguments.pipelines)
    signals = discovery.discover(pipeline.signals)
    columns = list(dict.fromkeys(c for stage in pipeline.stages for c in stage.bounds))
    second = [c for stage in pipeline.stages[1:] for c in stage.bounds]
    items = manifest_items(arguments.folder, signals, arguments.models)
    good = [item for item in items if item.kind in GOOD_KINDS]
    photos = [item for item in items if item.kind == "photo"][:: arguments.every]
    damaged = damaged_items(arguments.folder, photos, signals)
    print_quantiles(good, columns)
    print_table("good images lost", good, pipeline.stages, columns)
    print_table("good images lost to image quality alone", good, pipeline.stages[1:], second)
    others = [item for item in items if item.kind not in GOOD_KINDS]
    print_table("other kinds", others, pipeline.stages[1:], second)
    print_table("damaged caught", damaged, pipeline.stages[1:], second)
    print_duplicates(items)
    if arguments.sheets:
        write_sheets(arguments.sheets, good, damaged, pipeline.stages)


if __name__ == "__main__":
    main()
