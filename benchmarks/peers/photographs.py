"""Photographs for tools that curate: as many as asked for, no two with the same pixels."""

import json
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, JpegImagePlugin

_TURNS = [None, *Image.Transpose]  # as it is, then mirrored and turned: eight of each photograph
_TILE, _COLUMNS, _ROWS = 320, 4, 3  # of the large ones: 1280 by 960 pixels
_CUTS = (0.2, 0.5, 0.8, 0.95)  # of a file's bytes, what a truncated one keeps


def sources(folder: Path) -> list[bytes]:
    """The JPEG files of a folder, in the order of their names."""
    paths = sorted(folder.iterdir())
    return [path.read_bytes() for path in paths if path.suffix.lower() in (".jpg", ".jpeg")]


def as_they_are(originals: list[bytes], count: int) -> Iterator[bytes]:
    """The files themselves, then their mirror images and turns with the same JPEG tables."""
    if count > len(originals) * len(_TURNS):
        raise ValueError(f"{len(originals)} photographs are too few for {count} distinct ones")
    for number in range(count):
        data, turn = originals[number % len(originals)], _TURNS[number // len(originals)]
        yield data if turn is None else _turned(data, turn)


def _turned(data: bytes, turn: Image.Transpose) -> bytes:
    image = Image.open(BytesIO(data))
    assert isinstance(image, JpegImagePlugin.JpegImageFile)
    options: dict[str, Any] = {"qtables": image.quantization}
    if image.mode == "RGB":
        options["subsampling"] = JpegImagePlugin.get_sampling(image)
    return _jpeg(image.transpose(turn), **options)


def _jpeg(image: Image.Image, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", **options)
    return stream.getvalue()


def large(originals: list[bytes], count: int) -> Iterator[bytes]:
    """Files of 1.2 megapixels, each of twelve photographs drawn at random."""
    chance = np.random.Generator(np.random.PCG64(0))
    opened = (Image.open(BytesIO(data)).convert("RGB") for data in originals)
    tiles = [image.resize((_TILE, _TILE)) for image in opened]
    for _ in range(count):
        canvas = Image.new("RGB", (_TILE * _COLUMNS, _TILE * _ROWS))
        for place, chosen in enumerate(chance.integers(0, len(tiles), _COLUMNS * _ROWS)):
            canvas.paste(tiles[chosen], (place % _COLUMNS * _TILE, place // _COLUMNS * _TILE))
        yield _jpeg(canvas, quality=90)


def write(folder: Path, files: Iterable[bytes]) -> Path:
    """A folder of these files, and beside it the list of them that Data-Juicer asks for."""
    folder.mkdir()
    rows = []
    for number, data in enumerate(files):
        place = folder / f"{number:06}.jpg"
        place.write_bytes(data)
        rows.append(json.dumps({"text": place.stem, "images": [str(place)]}))
    folder.with_suffix(".jsonl").write_text("\n".join(rows) + "\n")
    return folder


def truncated(data: bytes, number: int) -> bytes:
    """The beginning of a file, of one length or another."""
    return data[: int(len(data) * _CUTS[number % len(_CUTS)])]
