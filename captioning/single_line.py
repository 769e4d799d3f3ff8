"""Whether an image that shows one line of text says what its caption quotes.

For renderings of words, signs and labels on a plain ground: what differs from the ground is taken
for one line and read, without a search for text, in a tenth of the time. An image that shows
anything else is read as nonsense; there ``quote_precision`` says it, of ``captioning.recaption``
and of ``captioning.raw_quotes``.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from captioning.quotes import plain, quotes
from curation.networks import ocr, weights
from curation.signals import captions
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Measure, signal

NAME = "single_line"
COLUMNS = {split: captions.column(split, NAME) for split in ("raw", "recaption")}
CONTRAST = 48  # levels off the ground in one colour: less is the noise of a JPEG
MARGIN = 0.08  # of the height of the ink, left around it
# What cannot be told apart without a word around it: 工 is an I with serifs, 日 a dotted zero.
_ALIKE = str.maketrans({"0": "o", "日": "o", "1": "l", "i": "l", "工": "l"})


def _check(_settings: object) -> None:
    weights.need("pip install 'inkstone[ocr,captions]'", "rapidocr", "onnxruntime", "rapidfuzz")


@signal(
    tier="model",
    version=2,
    columns={
        name: Column(
            pa.list_(pa.float32()),
            "share 0 to 1",
            "how like the line of text in the image is to what each caption quotes; 1 without any",
            in_shards=False,
        )
        for name in COLUMNS.values()
    },
    reads=(CAPTIONS,),
    cost="medium",
    check=_check,
)
def single_line() -> Measure:
    """A value per caption. Raises ``MissingModelError``."""
    _check(None)
    reader = ocr.TextReader(least_width=ocr.LINE_HEIGHT)

    def measured(row: Row) -> dict[str, list[float]]:
        said = {of: row.captions.get(f"caption_{split}", ()) for split, of in COLUMNS.items()}
        if not any(quotes(text) for texts in said.values() for text in texts):
            return {name: [1.0] * len(texts) for name, texts in said.items()}
        line = inked_line(row.picture(single_line.short_side).rgb)
        read = "" if line is None else reader.line(line)[0]
        return {name: [likeness(text, read) for text in texts] for name, texts in said.items()}

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        return [measured(row) for row in rows]

    return measure


def likeness(caption: str, read: str) -> float:
    """How like (0 to 1) a line that was read is to what a caption quotes; 1 where it quotes none.

    One less the share of characters that are to be changed; 0 and O, 1 and I and l are the same.
    """
    said = _folded("".join(quotes(caption)))
    return Levenshtein.normalized_similarity(said, _folded(read)) if said else 1.0


def _folded(text: str) -> str:
    return plain(text).translate(_ALIKE)


def inked_line(rgb: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The line of text of an (H, W, 3) image, as the reader likes it; None without any ink."""
    rim = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    ground = np.median(rim, axis=0)
    inked = cv2.bitwise_not(cv2.inRange(rgb, ground - CONTRAST, ground + CONTRAST))
    left, top, wide, high = cv2.boundingRect(inked)
    if not high:
        return None
    room = round(MARGIN * high)
    box = rgb[max(0, top - room) : top + high + room, max(0, left - room) : left + wide + room]
    width = max(1, round(box.shape[1] * ocr.LINE_HEIGHT / box.shape[0]))
    kind = cv2.INTER_AREA
    return np.asarray(cv2.resize(box, (width, ocr.LINE_HEIGHT), interpolation=kind), np.uint8)
