"""What the signals of text and of abnormal elements see, and what they take for it.

Text against our own rendered pages, whose quads are known; the rest against the labels of a folder
with a ``manifest.csv`` (columns ``file``, ``kind``, ``expected``) and against elements made on its
photographs. Shares have 95 % intervals (Wilson's); CPU time is that of this machine.

    python -m benchmarks.elements ../shared/data --every 2

``--json FILE`` writes the counts of codes, of clean images and of what was made on photographs.
"""

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np

from benchmarks.from_tests import elements
from curation.networks import ink
from curation.picture import decoding
from curation.signals import borders, codes, collages, mosaics, screenshots, text, watermarks
from curation.signals.row import Row
from curation.signals.signal import Signal, ready
from synthesis import jobs, modes
from train.figures import interval

LANGUAGES = {"en": "English", "zh": "Chinese", "zh-Hant": "Chinese"} | dict.fromkeys(
    ("ja", "fr", "de", "es", "pl", "vi", "el", "ru", "ar", "he", "hi", "ko", "th"), "Other"
)
PHOTOS, DOCUMENTS, DRAWINGS = ("photo", "photo-open"), ("text-rich",), ("captioned",)
CLEAN = {"photographs": PHOTOS, "documents": DOCUMENTS, "clip-art": DRAWINGS}
BOUNDS = {  # as in pipelines.yaml: what is above is dropped
    "codes": 0.0,
    "watermark": 0.6,
    "borders": 0.04,
    "collage": 0.5,
    "screenshot": 0.02,
    "mosaic": 0.008,
}
SIGNALS = {
    "codes": codes.codes,
    "borders": borders.borders,
    "collage": collages.collages,
    "screenshot": screenshots.screenshots,
    "mosaic": mosaics.mosaics,
}
MARKS = ("shutterstock", "gettyimages", "Adobe Stock", "alamy", "PREVIEW", "(c) J. Harbour")
GRIDS = ((2, 2), (1, 2), (2, 4), (3, 3))
Rows = list[dict[str, Any]]  # ``hits`` of ``total`` images
Files = dict[str, list[tuple[Mapping[str, str], bytes]]]  # by kind: line of the manifest, bytes
RICH = 0.035, 50  # share of area, characters: with either an image is one of text


def row(data: bytes, columns: Mapping[str, Any] | None = None) -> Row:
    """An image alone, with what was measured of it before."""
    return Row("", data, {}, columns or {})


def jpeg(rgb: np.ndarray, quality: int = 85) -> bytes:
    """An (H, W, 3) image as a file."""
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def share(hits: Iterable[bool]) -> str:
    """How many of how many, with the interval."""
    of = [bool(hit) for hit in hits]
    low, high = interval(sum(of), len(of))
    return f"{sum(of)}/{len(of)} = {sum(of) / max(1, len(of)):.3f} [{low:.3f}, {high:.3f}]"


def labelled(folder: Path, every: int) -> Files:
    """Files by kind, with their lines of the manifest; of clean kinds each ``every``-th."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    by_kind: Files = {}
    for line in lines:
        by_kind.setdefault(line["kind"], []).append((line, (folder / line["file"]).read_bytes()))
    sparse = {*PHOTOS, *DRAWINGS}
    return {kind: of[:: every if kind in sparse else 1] for kind, of in by_kind.items()}


def pages(count: int) -> None:
    """Rendered pages by language and mode: area, smallest height and language as they should be."""
    measure = ready(text.text)
    print("pages: area within 5 % | smallest line within 1 px | language as rendered | CPU ms")
    for language, split in LANGUAGES.items():
        for mode in ("pure", "template", "scene") if language in ("en", "zh") else ("pure",):
            job = jobs.prepare(language, mode, seed=77, size="640")
            samples = [modes.render_until_kept(job, index)[0] for index in range(count)]
            start = time.process_time()
            said = measure([row(sample.image) for sample in samples if sample])
            cost = (time.process_time() - start) / count * 1000
            true = [_truth(sample) for sample in samples if sample]
            pairs = list(zip(said, true, strict=True))
            areas = [
                abs(of["text_area"] / max(area, 1e-9) - 1) <= 0.05 for of, (area, _, _) in pairs
            ]
            heights = [abs(of["character_height"] * w - low) <= 1 for of, (_, low, w) in pairs]
            splits = [of["text_language"] for of in said]
            others = ", ".join(
                f"{name} {splits.count(name)}" for name in sorted({*splits} - {split})
            )
            print(
                f"  {language} {mode}: {share(areas)} | {share(heights)} | "
                f"{share(name == split for name in splits)} {others} | {cost:.0f}",
                flush=True,
            )


def _truth(sample: Any) -> tuple[float, float, int]:
    """Share of area, smallest line in pixels, and short side in pixels of a rendered image."""
    quads = [np.reshape(box.quad, (4, 2)) for box in sample.boxes if box.level == "line"]
    area = sum(float(cv2.contourArea(quad.astype(np.float32))) for quad in quads)
    side = min(sample.width, sample.height)
    smallest = min(ink.shorter_side(quad.astype(np.float32)) for quad in quads)
    return area / (sample.width * sample.height), smallest, side


Texts = dict[str, list[tuple[dict[str, Any], float, str]]]  # by group: columns, CPU ms, file


def texts(files: Files) -> None:
    """Text of labelled files: rich or plain, what the gate lets through, and watermarks."""
    measure, marks = ready(text.text, text.TextSettings(strokes=0.0)), ready(watermarks.watermarks)
    said: Texts = {}
    for group, kinds in (CLEAN | {"watermarks": ("watermark",)}).items():
        for line, data in (pair for kind in kinds for pair in files.get(kind, ())):
            start = time.process_time()
            (columns,) = measure([row(data)])
            cost = time.process_time() - start
            columns |= marks([row(data, columns)])[0]
            said.setdefault(group, []).append((columns, cost * 1000, line["file"]))
    _rich(said)
    _gate(said)
    print("watermark above the bound")
    for group, of in said.items():
        hits = {file: columns["watermark"] > BOUNDS["watermark"] for columns, _, file in of}
        print(f"  {group}: {share(hits.values())}")
        odd = [Path(file).stem for file, hit in hits.items() if hit != (group == "watermarks")]
        print("    ", *odd[:30])


def _rich(said: Texts) -> None:
    print(f"text: images of text have {RICH[0]} of the area, or {RICH[1]} characters and more")
    for group in CLEAN:
        rich = {file: _is_rich(columns) for columns, _, file in said[group]}
        print(f"  {group}: {share(rich.values())}; against their label:")
        odd = [Path(file).stem for file, hit in rich.items() if hit != (group == "documents")]
        print("    ", *odd[:40])


def _is_rich(columns: Mapping[str, Any]) -> bool:
    return columns["text_area"] >= RICH[0] or columns["text_characters"] >= RICH[1]


def _gate(said: Texts) -> None:
    least = text.TextSettings().strokes
    print(f"gate, strokes of {least}: lets through with text | without | CPU saved, of ms an image")
    for group in CLEAN:
        through = np.array([columns["strokes"] >= least for columns, _, _ in said[group]])
        has = np.array([columns["text_lines"] > 0 for columns, _, _ in said[group]])
        cost = np.array([ms for _, ms, _ in said[group]])
        saved = cost[~through].sum() / cost.sum()
        both = f"{share(through[has])} | {share(through[~has])}"
        median = np.median(cost)
        print(f"  {group}: {both} | {saved:.2f} of {cost.mean():.0f}, median {median:.0f}")


def made_watermarks(photos: Sequence[np.ndarray], count: int) -> None:
    """Words laid over photographs, by place and strength: seen, and the provider named."""
    measure, marks = ready(text.text), ready(watermarks.watermarks)
    print("watermarks made: seen | provider named")
    for where in ("tile", "centre", "corner"):
        for strength in (0.25, 0.5, 0.8):
            seen, named = [], []
            for place in range(count):
                words = MARKS[place % len(MARKS)]
                data = jpeg(elements.overlaid(photos[place % len(photos)], words, where, strength))
                columns = measure([row(data)])[0]
                said = marks([row(data, columns)])[0]
                seen.append(said["watermark"] > BOUNDS["watermark"])
                if place % len(MARKS) < 4:
                    named.append(said["stock_provider"] != watermarks.NO_PROVIDER)
            print(f"  {where} {strength}: {share(seen)} | {share(named)}", flush=True)


def clean(files: Files) -> Rows:
    """What is dropped of clean images, by name, and what a signal costs once they are decoded."""
    rows: Rows = []
    for name, entry in SIGNALS.items():
        for group, kinds in CLEAN.items():
            of = [pair for kind in kinds for pair in files.get(kind, ())]
            said, cost = _measured(entry, name, of)
            drops = {file: value > BOUNDS[name] for file, value in said.items()}
            print(f"{name} > {BOUNDS[name]} of {group}: {share(drops.values())}, {cost:.1f} ms")
            print("    ", *(f"{Path(f).stem}={said[f]:.2f}" for f, drop in drops.items() if drop))
            counts = {"hits": sum(drops.values()), "total": len(drops)}
            rows.append({"element": name, "of": group, **counts, "ms": cost})
    return rows


def _measured(
    entry: Signal, name: str, of: Sequence[tuple[Mapping[str, str], bytes]]
) -> tuple[dict[str, float], float]:
    """A signal's value by file, and its CPU ms an image without decoding."""
    measure, cost = ready(entry), 0.0
    said: dict[str, float] = {}
    for line, data in of:
        image = row(data)
        image.picture(entry.short_side)
        start = time.process_time()
        said[line["file"]] = measure([image])[0][name]
        cost += time.process_time() - start
    return said, cost / max(1, len(of)) * 1000


def machine_codes(files: Files) -> Rows:
    """Labelled codes, and hard negatives."""
    measure = ready(codes.codes)
    by_label: dict[str, list[bool]] = {}
    for line, data in files.get("code", ()):
        label = "none" if "no code" in line["expected"] else line["expected"].split()[0]
        by_label.setdefault(label, []).append(measure([row(data)])[0]["codes"] > 0)
    everything = [hit for label, hits in by_label.items() if label != "none" for hit in hits]
    print("codes seen:", share(everything))
    for label, hits in sorted(by_label.items()):
        print(f"  {label}: {share(hits)}")
    return [
        {"element": "codes", "of": label, "hits": sum(hits), "total": len(hits)}
        for label, hits in sorted(by_label.items())
    ]


def ladders(photos: Sequence[np.ndarray], count: int) -> Rows:
    """Elements made on photographs, each stronger than the last."""
    rows: Rows = []
    chance = Random(3)
    several = [photos[place % len(photos)] for place in range(count)]
    colours = [(0, 0, 0), (255, 255, 255), (40, 70, 120)]

    def seen(name: str, title: str, made: Iterable[np.ndarray]) -> None:
        measure = ready(SIGNALS[name])
        hits = [measure([row(jpeg(rgb))])[0][name] > BOUNDS[name] for rgb in made]
        print(f"  {title}: {share(hits)}", flush=True)
        rows.append({"element": name, "of": title, "hits": sum(hits), "total": len(hits)})

    print("made elements seen")
    for of in (0.03, 0.05, 0.1, 0.2, 0.3):
        seen(
            "borders",
            f"bars over {of}",
            (
                elements.barred(rgb, of, colours[n % 3], ("tb", "lr", "tblr")[n // 3 % 3])
                for n, rgb in enumerate(several)
            ),
        )
    for columns, panels in GRIDS:
        for gutter in (0, 4, 10):
            seen(
                "collage",
                f"collage {columns} x {panels // columns}, gutter {gutter}",
                (
                    elements.collage(chance.choices(photos, k=panels), columns, gutter)
                    for _ in range(count)
                ),
            )
    for of in (0.1, 0.2, 0.3):
        seen(
            "screenshot",
            f"interface over {of}",
            (elements.screenshot(rgb, of, n % 2 == 0) for n, rgb in enumerate(several)),
        )
    for block in (8, 12, 16, 24, 32):
        for of in (0.02, 0.06, 0.15):
            seen(
                "mosaic",
                f"mosaic of {block} px over {of}",
                (elements.mosaic(rgb, block, of) for rgb in several),
            )
    return rows


def main(parts: Mapping[str, Callable[[], Rows | None]], names: Sequence[str]) -> dict[str, Rows]:
    """Run the named parts, or all; the rows of those that give some."""
    chosen = {name: part for name, part in parts.items() if not names or name in names}
    return {name: rows for name, part in chosen.items() if (rows := part()) is not None}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--every", type=int, default=1, help="of photographs and clip-art")
    parser.add_argument("--pages", type=int, default=24, help="rendered of each language")
    parser.add_argument("--made", type=int, default=100, help="of each strength of an element")
    parser.add_argument(
        "--parts", default="", help="some of pages, codes, clean, ladders, text, watermarks"
    )
    parser.add_argument("--json", type=Path, help="file for the counts")
    asked = parser.parse_args()
    if not (asked.folder / "manifest.csv").exists():
        raise SystemExit(f"{asked.folder}: no manifest.csv there")
    found = labelled(asked.folder, asked.every)
    shown = [decoding.decode(data, 512).rgb for _, data in found["photo"][::3]]
    shown = [rgb for rgb in shown if min(rgb.shape[:2]) >= 256]
    told = main(
        {
            "codes": lambda: machine_codes(found),
            "clean": lambda: clean(found),
            "ladders": lambda: ladders(shown, asked.made),
            "pages": lambda: pages(asked.pages),
            "text": lambda: texts(found),
            "watermarks": lambda: made_watermarks(shown, asked.made),
        },
        [name for name in asked.parts.split(",") if name],
    )
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
