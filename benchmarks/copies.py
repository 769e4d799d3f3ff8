"""What is seen of each kind of copy, by perceptual hash and by embedding: recall and false merges.

``python -m benchmarks.copies ../shared/data``

Copies are made of every ``--every``-th clean photograph; the labelled ones of ``dups`` are counted
beside them. A copy is recalled where it is within the radius of its original, or of its mirrored
hash, or where the cosine of their vectors is at least a threshold. False merges are pairs of
distinct images; the nearest by their vectors go to contact sheets, to look at. Intervals are
Wilson's, 95 %.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from curation.groupings.duplicates import near
from curation.picture import contact_sheet, decoding
from curation.signals.appearance import appearance
from curation.signals.embedding import embedding
from curation.signals.phash import phash
from curation.signals.signal import ready
from train.figures import interval

RADIUS, THRESHOLDS = 4, (0.90, 0.85, 0.80)
MERGED = 0.85  # of the column that asks both
SHOWN = 20  # pairs on a contact sheet
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
DISTINCT = {
    "photographs": ("photos", "photos_open"),
    "documents": ("text",),
    "clip-art": ("captioned",),
}
MODELS = {"appearance": appearance, "embedding": embedding}
LABELS = {"recomp": "re-encoded", "png": "as PNG", "webp": "as WebP", "half": "half size"} | {
    "bright": "brighter", "gray": "grey", "caption": "text banner", "crop": "cropped 5 %",
    "flip": "mirrored",
}  # fmt: skip


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    """The image as a JPEG file."""
    stream = BytesIO()
    image.convert("RGB").save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def resized(image: Image.Image, factor: float) -> Image.Image:
    """The image ``factor`` times as large."""
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def cropped(image: Image.Image, share: float) -> Image.Image:
    """Without ``share`` of its width and height, half of it at either side."""
    x, y = image.width * share / 2, image.height * share / 2
    return image.crop((round(x), round(y), round(image.width - x), round(image.height - y)))


def with_banner(image: Image.Image, share: float = 0.12) -> Image.Image:
    """With a black banner below that holds a line of text."""
    height = max(12, round(image.height * share))
    made = ImageOps.expand(image, (0, 0, 0, height), "black")
    font = ImageFont.load_default(height * 0.6)
    place = (image.width // 2, image.height + height // 2)
    ImageDraw.Draw(made).text(place, "www.example.com", "white", font, "mm")
    return made


def with_border(image: Image.Image) -> Image.Image:
    """In a white frame, 4 % of its width at each side."""
    return ImageOps.expand(image, max(2, image.width // 25), "white")


def turned(image: Image.Image, degrees: float) -> Image.Image:
    """Turned a little, and cut to what has no corners of another colour."""
    turned = image.rotate(degrees, Image.Resampling.BICUBIC)
    return cropped(turned, 2 * np.sin(np.radians(abs(degrees))) * 1.1)


def watermarked(image: Image.Image) -> Image.Image:
    """With half transparent white letters across its middle."""
    layer = Image.new("RGBA", image.size, (255, 255, 255, 0))
    font = ImageFont.load_default(max(10, image.width // 10))
    place = (image.width // 2, image.height // 2)
    ImageDraw.Draw(layer).text(place, "SAMPLE PHOTO", (255, 255, 255, 128), font, "mm")
    return Image.alpha_composite(image.convert("RGBA"), layer)


def hue_turned(image: Image.Image) -> Image.Image:
    """All hues moved by 30 degrees."""
    hue, saturation, value = image.convert("HSV").split()
    moved = hue.point(lambda level: (level + 21) % 256)
    return Image.merge("HSV", (moved, saturation, value)).convert("RGB")


KINDS: Mapping[str, Callable[[Image.Image], bytes]] = {
    "re-encoded, quality 50": lambda image: jpeg(image, 50),
    "resized to 3/4": lambda image: jpeg(resized(image, 0.75)),
    "half size": lambda image: jpeg(resized(image, 0.5)),
    "brighter by 1.3": lambda image: jpeg(ImageEnhance.Brightness(image).enhance(1.3)),
    "less contrast, x 0.6": lambda image: jpeg(ImageEnhance.Contrast(image).enhance(0.6)),
    "saturation x 1.8": lambda image: jpeg(ImageEnhance.Color(image).enhance(1.8)),
    "hues moved by 30 degrees": lambda image: jpeg(hue_turned(image)),
    "grey": lambda image: jpeg(ImageOps.grayscale(image)),
    "mirrored": lambda image: jpeg(ImageOps.mirror(image)),
    "watermark text": lambda image: jpeg(watermarked(image)),
    "border": lambda image: jpeg(with_border(image)),
    "banner": lambda image: jpeg(with_banner(image)),
    "turned by 2 degrees": lambda image: jpeg(turned(image, 2)),
    "cropped by 5 %": lambda image: jpeg(cropped(image, 0.05)),
    "cropped by 10 %": lambda image: jpeg(cropped(image, 0.10)),
    "cropped by 20 %": lambda image: jpeg(cropped(image, 0.20)),
}


@dataclass(frozen=True)
class Measured:
    """N images: their hashes and vectors."""

    hashes: NDArray[np.uint64]
    vectors: NDArray[np.float32]


def measured(files: Iterable[bytes], name: str) -> Measured:
    """Measure files; the vectors by the signal of this ``name``."""
    model = ready(MODELS[name])
    hashes, vectors = list[int](), list[NDArray[np.float32]]()
    for data in files:
        hashes.append(phash.function(decoding.decode(data))["phash"])
        row = SimpleNamespace(picture=lambda side, data=data: decoding.decode(data, side))
        vectors.append(model([row])[0][name])
    return Measured(np.array(hashes, np.uint64), np.array(vectors))


def columns(first: Measured, second: Measured) -> dict[str, NDArray[np.bool_]]:
    """By measure, which of the pairs (N) are taken for copies."""
    bits = np.bitwise_count(first.hashes ^ second.hashes)
    both = near.apart(first.hashes, second.hashes)
    cosines = np.einsum("nd,nd->n", first.vectors, second.vectors)
    of_vectors = {f"cosine {threshold:.2f}": cosines >= threshold for threshold in THRESHOLDS}
    either = {f"hash or {MERGED:.2f}": (both <= RADIUS) | (cosines >= MERGED)}
    return {"hash": bits <= RADIUS, "hash, mirrored": both <= RADIUS, **of_vectors, **either}


def images(data: Path, *folders: str) -> list[Path]:
    """The images of folders."""
    paths = (path for name in folders for path in sorted((data / name).iterdir()))
    return [path for path in paths if path.suffix.lower() in SUFFIXES]


def labelled(data: Path) -> Iterator[tuple[str, list[tuple[Path, Path]]]]:
    """By kind, the labelled copies with their originals."""
    for suffix, kind in LABELS.items():
        copies = sorted((data / "dups").glob(f"*_{suffix}.*"))
        pairs = [(path.with_name(f"{path.stem[: -len(suffix)]}base.jpg"), path) for path in copies]
        yield f"labelled: {kind}", [pair for pair in pairs if pair[0].exists()]


def row(name: str, pairs: Mapping[str, NDArray[np.bool_]]) -> str:
    """A row of the table."""
    cells = [name, str(len(next(iter(pairs.values()))))]
    for of in pairs.values():
        low, high = interval(int(of.sum()), len(of))
        cells.append(f"{of.mean():.2f} ({low:.2f}-{high:.2f})")
    return f"| {' | '.join(cells)} |"


def print_recall(data: Path, every: int, model: str) -> None:
    """The table of recall by kind of copy."""
    paths = images(data, *DISTINCT["photographs"])[::every]
    own = measured((path.read_bytes() for path in paths), model)
    heads = ["kind of copy", "copies", *columns(own, own)]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name, make in KINDS.items():
        made = (make(Image.open(path).convert("RGB")) for path in paths)
        print(row(name, columns(own, measured(made, model))), flush=True)
    for name, pairs in labelled(data):
        sides = ((path.read_bytes() for path in side) for side in zip(*pairs, strict=True))
        first, second = (measured(side, model) for side in sides)
        print(row(name, columns(first, second)), flush=True)


def print_false_merges(data: Path, kind: str, model: str, sheet: Path) -> None:
    """Pairs of distinct images that are taken for copies; the nearest go to a contact sheet."""
    paths = images(data, *DISTINCT[kind])
    every = measured((path.read_bytes() for path in paths), model)
    one, other = np.triu_indices(len(paths), 1)
    first, second = (Measured(every.hashes[of], every.vectors[of]) for of in (one, other))
    taken = ", ".join(f"{name} {of.sum()}" for name, of in columns(first, second).items())
    print(f"{len(one)} pairs of {len(paths)} distinct {kind}: {taken}", flush=True)
    cosines = np.einsum("nd,nd->n", first.vectors, second.vectors)
    nearest = np.argsort(-cosines)[:SHOWN]
    sides = [(paths[of[pair]], cosines[pair]) for pair in nearest for of in (one, other)]
    thumbnails = [contact_sheet.fit(Image.open(path).convert("RGB"), 200) for path, _ in sides]
    captions = [f"{cosine:.3f}" for _, cosine in sides]
    contact_sheet.compose(thumbnails, captions, 8, side=200).image.save(sheet)


def main(
    data: Annotated[Path, typer.Argument(help="The folder with photos, photos_open and dups.")],
    every: Annotated[int, typer.Option(help="Of so many photographs one is copied.")] = 4,
    model: Annotated[str, typer.Option(help=f"One of {', '.join(MODELS)}.")] = "appearance",
    sheets: Annotated[Path, typer.Option(help="Folder for contact sheets.")] = Path("copies"),
) -> None:
    """Print recall by kind of copy, and false merges.

    Example: python -m benchmarks.copies ../shared/data
    """
    sheets.mkdir(parents=True, exist_ok=True)
    for kind in DISTINCT:
        print_false_merges(data, kind, model, sheets / f"{kind}.png")
    print_recall(data, every, model)


if __name__ == "__main__":
    typer.run(main)
