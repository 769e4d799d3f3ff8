"""What every filter catches and loses, on labelled files and on ladders of damage.

    python -m benchmarks.filters ../shared/data --out /tmp/filters

Filters are columns with their bounds of ``pipelines.yaml``. On files of a ``manifest.csv``: recall
and false drops with 95 % (Wilson) intervals. On copies of its photographs, damaged here: recall at
each strength, Spearman's correlation of the column with the strength, and which filter fires on
whose defect. ``--sheets`` writes the confusing cases as contact sheets, ``--json`` all figures.
A filter of other signals is one more entry of ``FILTERS``; models are asked where one is named.
"""

import argparse
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.defects import intervals, measured
from benchmarks.defects.ladders import LADDERS
from benchmarks.defects.measured import CLEAN_KINDS, Table
from curation.configuration import loading
from curation.configuration.models import Bound, Stage
from curation.picture import contact_sheet, decoding
from curation.signals import discovery
from curation.signals.row import Row
from curation.signals.signal import Signal, ready

Rows = NDArray[np.bool_]
SHOWN = 120  # images of a contact sheet


@dataclass(frozen=True)
class Filter:
    """Columns whose bounds catch one kind of defect.

    ``labels`` are beginnings of what the manifest says is ``expected`` of files with the defect,
    ``kinds`` the manifest's kinds that these are of, ``ladders`` the damage it is to see, and
    ``follows`` the column that is to rise (or, with ``-`` before it, fall) with each ladder.
    """

    name: str
    columns: tuple[str, ...]
    labels: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("quality-degraded",)
    ladders: tuple[str, ...] = ()
    follows: Mapping[str, str] | None = None


FILTERS = (
    Filter(
        "blur",
        ("blurred", "motion_blurred", "enlarged"),
        ("blurry",),
        ladders=("gaussian", "motion", "enlarged"),
        follows={"gaussian": "blurred", "motion": "motion_blurred", "enlarged": "enlarged"},
    ),
    Filter("dark", ("peak",), ("too dark",), ladders=("darkened",), follows={"darkened": "-peak"}),
    Filter(
        "contrast",
        ("luma_range", "entropy"),
        ("low contrast", "solid colour", "gradient"),
        ladders=("contrast",),
        follows={"contrast": "-luma_range"},
    ),
    Filter(
        "bright",
        ("overexposed", "shadow"),
        ("over-exposed",),
        ladders=("brightened", "washed-out"),
        follows={"brightened": "overexposed", "washed-out": "shadow"},
    ),
    Filter(
        "saturation",
        ("oversaturated",),
        ("over-saturated",),
        ladders=("saturation",),
        follows={"saturation": "oversaturated"},
    ),
    Filter(
        "noise",
        ("noise",),
        ("noisy", "pure noise"),
        ladders=("noise",),
        follows={"noise": "noise"},
    ),
    Filter(
        "posterised",
        ("posterised", "dithered"),
        ("low entropy (posterised)",),
        ladders=("posterised", "palette", "dithered"),
        follows={"posterised": "posterised", "dithered": "dithered"},
    ),
    Filter(
        "compression",
        ("quantisation", "grid"),
        ("jpeg artefacts",),
        ladders=("jpeg", "jpeg-again", "jpeg-resized"),
        follows={"jpeg": "quantisation", "jpeg-again": "grid"},
    ),
)


@dataclass(frozen=True)
class Labelled:
    """A file of the manifest with its columns."""

    name: str
    kind: str
    expected: str
    columns: Mapping[str, Any]


def breaks(bound: Bound, value: Any) -> bool:
    """Whether a value lies outside a bound; what was not measured does not."""
    if value is None:
        return False
    if bound.among is not None:
        return value not in bound.among
    below = bound.min is not None and value < bound.min
    return bool(below or (bound.max is not None and value > bound.max))


def bounds(stages: Sequence[Stage]) -> dict[str, Bound]:
    """The strictest bound of every column: that of the last stage that rules it."""
    return {column: bound for stage in stages for column, bound in stage.bounds.items()}


def needed(known: Sequence[Signal], filters: Sequence[Filter]) -> list[Signal]:
    """All cheap signals, and those models whose columns a filter names."""
    named = {column for of in filters for column in of.columns}
    return [of for of in known if of.tier != "model" or named & of.columns.keys()]


def measure(data: bytes, signals: Sequence[Signal]) -> dict[str, Any]:
    """The columns of a file. Raises ``PictureError``."""
    decoded = decoding.decode(data)
    row: dict[str, Any] = {"size": len(data)}
    for entry in signals:  # ordered by tier: derived ones find what they read
        if entry.is_of_pairs:
            continue
        if entry.tier == "model":
            row |= ready(entry)([Row("", data, {}, row)])[0]
        else:
            given = {"file": decoded.header, "pixel": decoded, "derived": row}[entry.tier]
            row |= ready(entry)(given)
    return row


def labelled(folder: Path, signals: Sequence[Signal], kinds: set[str]) -> Iterator[Labelled]:
    """Every readable file of these kinds."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        for line in csv.DictReader(stream):
            if line["kind"] in kinds:
                try:
                    columns = measure((folder / line["file"]).read_bytes(), signals)
                except decoding.PictureError:
                    continue
                yield Labelled(line["file"], line["kind"], line["expected"], columns)


def fires(of: Filter, ruled: Mapping[str, Bound], columns: Mapping[str, Any]) -> bool:
    """Whether any of the filter's bounds is broken."""
    return any(breaks(ruled[name], columns.get(name)) for name in of.columns if name in ruled)


def is_labelled(of: Filter, item: Labelled) -> bool:
    """Whether the manifest says that the file has the filter's defect."""
    return item.kind in of.kinds and item.expected.startswith(of.labels)


def on_labels(
    items: Sequence[Labelled], filters: Sequence[Filter], ruled: Mapping[str, Bound]
) -> list[dict[str, Any]]:
    """Recall on files with the defect, false drops on clean ones that pass ``short_side``."""
    clean = [item for item in items if item.kind in CLEAN_KINDS and is_judged(item, ruled)]
    found = []
    for of in filters:
        bad = [item for item in items if of.labels and is_labelled(of, item)]
        caught = [item for item in bad if fires(of, ruled, item.columns)]
        lost = [item for item in clean if fires(of, ruled, item.columns)]
        figures = {
            "filter": of.name,
            "labelled": len(bad),
            "caught": len(caught),
            "clean": len(clean),
            "lost": len(lost),
            "missed_files": [item.name for item in bad if item not in caught],
            "lost_files": [item.name for item in lost],
        }
        found.append(figures)
    return found


def is_judged(item: Labelled, ruled: Mapping[str, Bound]) -> bool:
    """Large enough for S1, and not a frame of one colour."""
    small = "short_side" in ruled and breaks(ruled["short_side"], item.columns["short_side"])
    return not small and item.columns["luma_range"] >= measured.BLANK


def fired(table: Table, of: Filter, ruled: Mapping[str, Bound]) -> Rows:
    """Which rows of a table of ladders the filter fires on."""
    broken = np.zeros(len(table.names), np.bool_)
    for name in of.columns:
        if name in ruled and name in table.columns:
            low, high = ruled[name].min, ruled[name].max
            broken |= table.columns[name] < (-np.inf if low is None else low)
            broken |= table.columns[name] > (np.inf if high is None else high)
    return broken


def spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Spearman's rank correlation; ties share their mean rank; 0 where either is constant."""
    ranks = [_ranks(values) for values in (first, second)]
    if any(values.std() == 0 for values in ranks):
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = counts.cumsum()
    return np.asarray((ends - (counts - 1) / 2)[place], np.float64)


def on_ladders(
    table: Table, filters: Sequence[Filter], ruled: Mapping[str, Bound]
) -> dict[str, list[dict[str, Any]]]:
    """By ladder and strength: copies, and how many each filter and all together catch."""
    every = {of.name: fired(table, of, ruled) for of in filters}
    together = np.any(list(every.values()), axis=0)
    found: dict[str, list[dict[str, Any]]] = {}
    for name, ladder in LADDERS.items():
        own = [of.name for of in filters if name in of.ladders]
        for strength in ladder.strengths:
            rows = (table.ladders == name) & (table.strengths == strength)
            caught = {key: int(values[rows].sum()) for key, values in every.items()}
            by_own = np.any([every[key] for key in own], axis=0)[rows] if own else [0]
            figures = {"strength": strength, "copies": int(rows.sum()), "own": int(np.sum(by_own))}
            found.setdefault(name, []).append(
                figures | {"any": int(together[rows].sum()), "filters": caught}
            )
    return found


def correlations(table: Table, filters: Sequence[Filter]) -> dict[str, dict[str, float]]:
    """By ladder the mean over photographs of Spearman's correlation of column and strength."""
    found: dict[str, dict[str, float]] = {}
    for of in filters:
        for ladder, signed in (of.follows or {}).items():
            column, sign = signed.lstrip("-"), -1 if signed.startswith("-") else 1
            if column not in table.columns:
                continue
            rows = (table.ladders == ladder) | measured.undamaged(table)
            worse = sign * _worse(table, ladder)
            values = [
                spearman(table.columns[column][one], worse[one])
                for name in np.unique(table.names[table.ladders == ladder])
                if (one := rows & (table.names == name)).sum() > 2
            ]
            found[ladder] = {
                "column": column,  # type: ignore[dict-item]
                "mean": float(np.mean(values)),
                "share_of_0.95": float(np.mean(np.array(values) >= 0.95)),
            }
    return found


def _worse(table: Table, ladder: str) -> NDArray[np.float64]:
    """A number that rises with the damage; the least of all for the undamaged copy."""
    strengths = LADDERS[ladder].strengths
    worse = np.full(len(table.names), -1.0)
    for place, strength in enumerate(strengths):
        worse[(table.ladders == ladder) & (table.strengths == strength)] = place
    return worse


def print_labels(figures: Sequence[Mapping[str, Any]]) -> None:
    """A line for each filter."""
    print("\nfiles of the manifest: recall on those labelled, false drops on the clean")
    for of in figures:
        recall = intervals.shown(of["caught"], of["labelled"]) if of["labelled"] else "no files"
        lost = intervals.shown(of["lost"], of["clean"])
        print(f"  {of['filter']:12} caught {recall:32}  lost {lost}")
        for word in ("missed", "lost"):
            names = of[f"{word}_files"]
            if names:
                print(f"    {word}: " + ", ".join(Path(name).name for name in names[:8]))


def print_ladders(figures: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """The whole curve of each ladder."""
    print("\nladders: caught by their own filter, by any of all, on copies of photographs")
    for ladder, steps in figures.items():
        print(f"  {ladder}")
        for of in steps:
            own, every = (intervals.shown(of[key], of["copies"]) for key in ("own", "any"))
            print(f"    {of['strength']:6g}  own {own}  any {every}")


def print_cross_talk(
    figures: Mapping[str, Sequence[Mapping[str, Any]]], filters: Sequence[Filter]
) -> None:
    """Per cent of the strongest copies of each ladder that each filter fires on."""
    print("\nwhich filter fires on whose defect, % of copies at the middle of each ladder")
    print(" " * 22 + "".join(f"{of.name[:10]:>11}" for of in filters))
    for ladder, steps in figures.items():
        wanted = LADDERS[ladder].bar
        of = next((of for of in steps if of["strength"] == wanted), steps[len(steps) // 2])
        shares = [100 * of["filters"][name.name] / max(1, of["copies"]) for name in filters]
        print(f"  {ladder:14}{of['strength']:6g}" + "".join(f"{share:11.1f}" for share in shares))


def write_sheets(
    folder: Path, out: Path, items: Sequence[Labelled], figures: Sequence[Mapping[str, Any]]
) -> None:
    """For each filter the clean images lost and the labelled ones missed."""
    out.mkdir(parents=True, exist_ok=True)
    known = {item.name: item for item in items}
    for of in figures:
        names = [*of["lost_files"], *of["missed_files"]][:SHOWN]
        if names:
            images = [Image.fromarray(_thumbnail(folder / name)) for name in names]
            captions = [f"{known[name].expected[:14]} {Path(name).stem[-14:]}" for name in names]
            sheet = contact_sheet.compose(images, captions, columns=8, side=160)
            sheet.image.save(out / f"{of['filter']}.png")


def _thumbnail(path: Path) -> NDArray[np.uint8]:
    return decoding.decode(path.read_bytes()).small


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="folder with a manifest.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is measured")
    parser.add_argument("--pipelines", help="file with the bounds (default: pipelines.yaml)")
    parser.add_argument("--every", type=int, default=1, help="damage every n-th photograph")
    parser.add_argument("--only", action="append", help="a filter's name; may be repeated")
    parser.add_argument("--sheets", type=Path, help="folder for contact sheets")
    parser.add_argument("--json", type=Path, help="file for all figures")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    filters = [of for of in FILTERS if not arguments.only or of.name in arguments.only]
    ruled = bounds(loading.load(arguments.pipelines).stages)
    signals = needed(discovery.discover(), filters)
    kinds = {*CLEAN_KINDS, *(kind for of in filters for kind in of.kinds)}
    items = list(labelled(arguments.folder, signals, kinds))
    told: dict[str, Any] = {"labels": on_labels(items, filters, ruled)}
    print_labels(told["labels"])
    if arguments.sheets:
        write_sheets(arguments.folder, arguments.sheets, items, told["labels"])
    if any(of.ladders for of in filters):
        copies = measured.table(arguments.folder, arguments.out, arguments.every).with_derived()
        told |= {"ladders": on_ladders(copies, filters, ruled)}
        told |= {"spearman": correlations(copies, filters)}
        print_ladders(told["ladders"])
        print("\nSpearman's correlation with the strength, mean over photographs")
        for ladder, of in told["spearman"].items():
            print(f"  {ladder:14} {of['column']:16} {of['mean']:.3f}")
        print_cross_talk(told["ladders"], filters)
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
