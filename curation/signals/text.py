"""Text in an image, found and read by the models that ship inside ``rapidocr``, line by line.

Detection alone calls a quarter of plain photographs dense text; a line counts if it is read with
some certainty. Lines of a script that the reader does not know are detected but not read, or only
their signs and digits are: two of them, and more of them than of what is read, are a text in
another language. Where the image shows no strokes it is not searched at all: a
row of letters has many edges to both sides, close together, and fewer above and below.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.networks import ink, ocr, weights
from curation.picture.decoding import Picture
from curation.signals import languages
from curation.signals.regions import REGIONS, UNIT, Region, region
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, Settings, signal

SIDE = 640  # pixels of the short side that is searched: characters of 10 at 256 are of 25 there
WINDOW = (33, 9)  # pixels, wide and high: a few letters of a small line
BESIDE = 12  # pixels up and down: between the lines
CONTRASTS = (24, 48)  # luma levels between two pixels apart: faint and clear strokes
SCALES = 4  # halvings: letters of up to about 80 pixels
EVERYWHERE = 0.5  # of the image: where nothing is detected the reader reads it as one line
SPARSE = 0.5  # letters and digits for each height of a line: print has 1.4 of hanzi, 2.8 of Latin


class TextSettings(Settings):
    """A line counts if it is read with this ``score`` (0 to 1) and has so many ``characters``.

    Beside such lines a shorter one counts with the score ``alone``. So many lines ``unread``, if
    they cover more than those that are read, are a text in another language. Images with fewer
    ``strokes`` are not read.
    """

    score: float = 0.7
    characters: int = 2
    alone: float = 0.9
    unread: int = 2
    strokes: float = 0.28


def _check(_settings: TextSettings) -> None:
    weights.need("pip install 'inkstone[ocr]'", "rapidocr", "onnxruntime")


@signal(
    tier="model",
    version=2,
    columns={
        "strokes": Column(
            pa.float32(), "0 to 1", "how like a row of letters the likest place is; none, no text"
        ),
        "text_area": Column(pa.float32(), "share 0 to 1", "area of the ink of lines of text"),
        "text_lines": Column(pa.int32(), "count from 0", "lines of text that were read"),
        "text_unread": Column(
            pa.int32(), "count from 0", "lines that were seen, and little or nothing read in them"
        ),
        "text_characters": Column(pa.int32(), "count from 0", "characters in them, no blanks"),
        "character_height": Column(
            pa.float32(),
            "share of the short side, 0 to 1",
            "height of the smallest line of text; 1 without text",
            scales=True,
        ),
        "text_language": Column(
            pa.string(),
            "category",
            "language of the text; None without any",
            categories=languages.SPLITS,
        ),
        "text_regions": Column(REGIONS, UNIT, "lines of text: script, what they say, and where"),
    },
    settings=TextSettings,
    short_side=SIDE,
    cost="heavy",
    check=_check,
)
def text(settings: TextSettings) -> Measure:
    """Text per image. Raises ``MissingModelError``."""
    _check(settings)
    reader = ocr.TextReader()

    def measured(row: Row) -> dict[str, Any]:
        rgb = seen(row.picture(SIDE))
        stroked = strokes(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8))
        lines = reader.page(rgb, blank=True) if stroked >= settings.strokes else []
        read = counted(lines, settings)
        legible = [line for line in read if not is_sparse(line)]
        unread = _unread(lines, legible, rgb)
        columns = _columns(row.picture(SIDE), rgb, read)
        if len(unread) >= settings.unread and _area(unread) > _area(legible):
            columns["text_language"] = "Other"
        return {"strokes": stroked, "text_unread": len(unread), **columns}

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        return [measured(row) for row in rows]

    return measure


def seen(picture: Picture) -> NDArray[np.uint8]:
    """The image as it is searched, (H, W, 3): its short side at most ``SIDE``."""
    scale = SIDE / min(picture.rgb.shape[:2])
    if scale >= 1:
        return picture.rgb
    height, width = (max(1, round(side * scale)) for side in picture.rgb.shape[:2])
    kind = cv2.INTER_AREA
    return np.asarray(cv2.resize(picture.rgb, (width, height), interpolation=kind), np.uint8)


def strokes(grey: NDArray[np.uint8]) -> float:
    """How like a row of letters the likest place of an (H, W) image is: 0 to 1.

    The share of pixels with an edge to the left, or to the right if they are fewer, in a window;
    less what the windows above and below have; the mean of faint and clear edges.
    """
    best = [0] * len(CONTRASTS)
    for scale in range(SCALES):
        if scale:
            grey = np.asarray(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        if grey.shape[0] <= 3 * BESIDE or grey.shape[1] <= WINDOW[0]:
            break
        change = cv2.Sobel(grey, cv2.CV_16S, 1, 0, ksize=1)
        best = [max(old, _rows(change, of)) for old, of in zip(best, CONTRASTS, strict=True)]
    return sum(best) / (255 * len(best))


def _rows(change: NDArray[np.int16], contrast: int) -> int:
    """The likest place at this scale, of 255."""
    rising = cv2.boxFilter((change > contrast).astype(np.uint8) * 255, -1, WINDOW)
    falling = cv2.boxFilter((change < -contrast).astype(np.uint8) * 255, -1, WINDOW)
    both = cv2.add(rising, falling)
    beside = cv2.max(both[: -2 * BESIDE], both[2 * BESIDE :])
    fewer = cv2.min(rising, falling)[BESIDE:-BESIDE]
    return int(cv2.subtract(cv2.add(fewer, fewer), beside).max())


def counted(lines: Sequence[ocr.Region], settings: TextSettings) -> list[ocr.Region]:
    """The lines that count."""
    read = [(line, characters(line.text)) for line in lines if line.score >= settings.score]
    if not any(count >= settings.characters for _, count in read):
        return []
    least = settings.characters
    return [line for line, count in read if count >= least or line.score >= settings.alone]


def characters(text: str) -> int:
    """How many there are, without blanks."""
    return len("".join(text.split()))


def is_sparse(line: ocr.Region) -> bool:
    """Whether fewer letters and digits were read than a line of its length has."""
    wide, high = (np.hypot(*(line.corners[place] - line.corners[0])) for place in (1, 3))
    heights = max(wide, high) / max(1.0, min(wide, high))
    return sum(map(str.isalnum, line.text)) < SPARSE * float(heights)


def _unread(
    lines: Sequence[ocr.Region], legible: Sequence[ocr.Region], rgb: NDArray[np.uint8]
) -> list[ocr.Region]:
    """The lines that were seen at a place of their own, and are not legible."""
    known, all_of_it = {id(line) for line in legible}, EVERYWHERE * rgb.shape[0] * rgb.shape[1]
    return [line for line in lines if id(line) not in known and _area([line]) < all_of_it]


def _area(lines: Sequence[ocr.Region]) -> float:
    """The area of the boxes of lines, in pixels."""
    return sum(float(cv2.contourArea(line.corners)) for line in lines)


def _columns(
    picture: Picture, rgb: NDArray[np.uint8], lines: Sequence[ocr.Region]
) -> dict[str, Any]:
    quads = [ink.tight(rgb, line.corners) for line in lines]
    regions: list[Region] = []
    for line, quad in zip(lines, quads, strict=True):
        script = languages.script(line.text)
        regions.append(region(picture.header, rgb.shape, quad, script, line.text, line.score))
    area = sum(float(cv2.contourArea(quad)) for quad in quads) / (rgb.shape[0] * rgb.shape[1])
    smallest = min((ink.shorter_side(quad) for quad in quads), default=float(min(rgb.shape[:2])))
    return {
        "text_area": min(1.0, area),
        "text_lines": len(lines),
        "text_characters": sum(characters(line.text) for line in lines),
        "character_height": min(1.0, smallest / min(rgb.shape[:2])),
        "text_language": languages.split(line.text for line in lines),
        "text_regions": regions,
    }
