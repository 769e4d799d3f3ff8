"""What bounds on columns of pairs catch and lose, on pairs made of photographs, and rendered ones.

``python -m benchmarks.edit_pairs FOLDER [--every N] [--embed] [--rendered DIR ...]``, with the
``manifest.csv`` of ``benchmarks.calibrate``. Bad are pairs of an image with itself, compressed,
resized or shifted by a few pixels, and with another image; good are edits of a part, of a colour,
of text and by a filter. ``--embed`` measures the embeddings, too. A DIR is what
``synthesis.render --mode edit`` wrote: its pairs are good, and their results, compressed and
resized, are bad.
"""

import argparse
import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from curation.picture import decoding
from curation.signals.pair import Pair
from curation.signals.pair_changes import LEAST, pair_changes
from curation.signals.pair_sizes import pair_sizes

Edit = Callable[[Image.Image, Image.Image, np.random.Generator], Image.Image]
COLUMNS = (
    *("changed_share", "changed_levels", "phash_distance", "aspect_difference"),
    *("scale_difference", "input_similarity"),
)
LONGEST = 768
LEAST_LEVELS = {"restoration": 0.0005, "task": 0.0, "background": 0.05}  # of `curate`, alone
SAME = ("JPEG quality 90", "JPEG quality 60", "JPEG quality 30", "resized to 2/3")


def _compressed(quality: int) -> Edit:
    def edit(image: Image.Image, other: Image.Image, random: np.random.Generator) -> Image.Image:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        return Image.open(stream).convert("RGB")

    return edit


def _resized(image: Image.Image, other: Image.Image, random: np.random.Generator) -> Image.Image:
    return image.resize((image.width * 2 // 3, image.height * 2 // 3), Image.Resampling.BICUBIC)


def _cropped(share: float) -> Edit:
    def edit(image: Image.Image, other: Image.Image, random: np.random.Generator) -> Image.Image:
        x, y = round(image.width * share), round(image.height * share)
        return image.crop((x, y, image.width - x, image.height - y))

    return edit


def _box(
    image: Image.Image, share: float, random: np.random.Generator
) -> tuple[int, int, int, int]:
    """A box of that share of the area."""
    width, height = round(image.width * share**0.5), round(image.height * share**0.5)
    x = int(random.integers(0, image.width - width + 1))
    y = int(random.integers(0, image.height - height + 1))
    return x, y, x + width, y + height


def _recoloured(share: float) -> Edit:
    """Another hue in an ellipse of that share of the area, as of an object."""

    def edit(image: Image.Image, other: Image.Image, random: np.random.Generator) -> Image.Image:
        mask = Image.new("L", image.size, 0)
        ImageDraw.Draw(mask).ellipse(_box(image, share, random), 255)
        colour = tuple(int(of) for of in random.integers(0, 255, 3))
        tinted = ImageOps.colorize(image.convert("L"), "black", "white", mid=colour)
        return Image.composite(tinted, image, mask)

    return edit


def _pasted(share: float) -> Edit:
    """A piece of another image in place of a part, as an object that was added or replaced."""

    def edit(image: Image.Image, other: Image.Image, random: np.random.Generator) -> Image.Image:
        box, result = _box(image, share, random), image.copy()
        result.paste(other.resize((box[2] - box[0], box[3] - box[1])), box[:2])
        return result

    return edit


def _lettered(image: Image.Image, other: Image.Image, random: np.random.Generator) -> Image.Image:
    """A small plate with text, a two-hundredth of the area, instead of another."""
    result = image.copy()
    box = _box(image, 0.005, random)
    ImageDraw.Draw(result).rectangle(box, (250, 250, 245))
    size = max(8, (box[3] - box[1]) // 2)
    ImageDraw.Draw(result).text((box[0] + 2, box[1] + 2), "OPEN", (20, 20, 20), font_size=size)
    return result


def _stylised(image: Image.Image, other: Image.Image, random: np.random.Generator) -> Image.Image:
    return ImageOps.posterize(image.filter(ImageFilter.ModeFilter(7)), 3)


def _brightened(image: Image.Image, other: Image.Image, random: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.3)


def _grey(image: Image.Image, other: Image.Image, random: np.random.Generator) -> Image.Image:
    return image.convert("L").convert("RGB")


def _background(image: Image.Image, other: Image.Image, random: np.random.Generator) -> Image.Image:
    """Another image around an ellipse of 0.3 of the area."""
    mask = Image.new("L", image.size, 0)
    width, height = image.size
    box = (width // 5, height // 5, width * 4 // 5, height * 4 // 5)
    ImageDraw.Draw(mask).ellipse(box, 255)
    return Image.composite(image, other.resize(image.size), mask)


def _unrelated(image: Image.Image, other: Image.Image, random: np.random.Generator) -> Image.Image:
    return other.resize(image.size)


EDITS: Mapping[str, tuple[bool, Edit]] = {  # whether it is a good pair, and how it is made
    "identical": (False, lambda image, other, random: image),
    "JPEG quality 90": (False, _compressed(90)),
    "JPEG quality 60": (False, _compressed(60)),
    "JPEG quality 30": (False, _compressed(30)),
    "resized to 2/3": (False, _resized),
    "cropped by 0.5 % a side": (False, _cropped(0.005)),
    "cropped by 2 % a side": (False, _cropped(0.02)),
    "another image": (False, _unrelated),
    "another image, own size": (False, lambda image, other, random: other),
    "text plate, 0.5 % of the area": (True, _lettered),
    "recoloured, 2 %": (True, _recoloured(0.02)),
    "recoloured, 10 %": (True, _recoloured(0.1)),
    "object, 1 %": (True, _pasted(0.01)),
    "object, 5 %": (True, _pasted(0.05)),
    "background, 70 %": (True, _background),
    "brightened x1.3": (True, _brightened),
    "greyscale": (True, _grey),
    "filter": (True, _stylised),
}


def photographs(folder: Path, every: int) -> list[Image.Image]:
    """Each n-th photograph, its longer side at most ``LONGEST``."""
    with (folder / "manifest.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["kind"] == "photo"][::every]
    images = []
    for row in rows:
        rgb = decoding.decode((folder / row["file"]).read_bytes(), 512).rgb
        image = Image.fromarray(rgb)
        image.thumbnail((LONGEST, LONGEST))
        images.append(image)
    return images


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def measured(
    source: Image.Image, result: Image.Image, embed: Callable[[Any], NDArray[Any]] | None
) -> dict[str, Any]:
    """The columns of a pair."""
    pictures = [decoding.decode(_png(image)) for image in (result, source)]
    pair = Pair(pictures[0], pictures[1:])
    columns = pair_changes.function(pair) | pair_sizes.function(pair)
    if embed:
        vectors = [np.asarray(embed(of.rgb), np.float64) for of in pictures]
        columns["input_similarity"] = float(vectors[0] @ vectors[1])
    return dict(columns)


def _of_rendered(folders: Sequence[Path]) -> None:
    """How many rendered pairs are lost, and how many of their results as bad pairs are caught."""
    good, bad = dict[str, list[bool]](), dict[str, list[bool]]()
    names = ["edit_operation", "image", "inputs"]
    files = sorted(file for folder in folders for file in folder.glob("*.parquet"))
    rows = [row for file in files for row in pq.read_table(file, columns=names).to_pylist()]
    for number, row in enumerate(rows):
        result, source = row["image"]["bytes"], row["inputs"][0]["bytes"]
        pair = Pair(decoding.decode(result), [decoding.decode(source)])
        operation = row["edit_operation"]
        columns = pair_changes.function(pair)
        good.setdefault(operation, []).append(_is_kept(operation, columns))
        image = Image.open(io.BytesIO(result)).convert("RGB")
        for name in SAME if number % 4 == 0 else ():
            same = EDITS[name][1](image, image, np.random.default_rng(7))
            is_caught = measured(image, same, None)["changed_share"] < LEAST
            bad.setdefault(name, []).append(is_caught)
    kept = sum(map(sum, good.values()))
    print(f"\n{len(rows)} rendered pairs (good): {len(rows) - kept} too much the same")
    for operation, those in sorted(good.items()):
        print(f"  {operation:<26}{len(those) - sum(those):>4} of {len(those)}")
    print("their results, compressed or resized (bad): caught")
    for name, caught in bad.items():
        print(f"  {name:<26}{sum(caught):>4} of {len(caught)}")


def _is_kept(operation: str, columns: Mapping[str, Any]) -> bool:
    """By `curate`, with what holds instead for its kind."""
    kind = operation.partition(".")[0]
    if kind in LEAST_LEVELS:
        return bool(columns["changed_levels"] >= LEAST_LEVELS[kind])
    return bool(columns["changed_share"] >= LEAST)


def main() -> None:
    """Print quantiles of every column by kind of pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=8)
    parser.add_argument("--embed", action="store_true")
    parser.add_argument("--rendered", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    embed = None
    if options.embed:
        from curation.networks import encoders

        embed = encoders.image_encoder(encoders.Named(library="embedded")).vector
    images = photographs(options.folder, options.every)
    cv2.setNumThreads(1)
    print(f"{len(images)} photographs; of each column the least, 5 %, median, 95 % and most")
    for name, (is_good, edit) in EDITS.items():
        random = np.random.default_rng(7)
        rows = [
            measured(image, edit(image, images[place - 1], random), embed)
            for place, image in enumerate(images)
        ]
        caught = sum(row["changed_share"] < LEAST for row in rows)
        print(f"\n{name} ({'good' if is_good else 'bad'}): {caught} too much the same")
        for column in COLUMNS:
            if column in rows[0]:
                values = np.quantile([row[column] for row in rows], (0, 0.05, 0.5, 0.95, 1))
                print(f"  {column:<20}" + "".join(f"{value:>10.4g}" for value in values))
    if options.rendered:
        _of_rendered(options.rendered)


if __name__ == "__main__":
    main()
