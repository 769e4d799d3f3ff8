"""Whether what a raw caption quotes stands in its image.

A model that writes text learns from quotations what to write: a caption that quotes what is not
there teaches it to write something else. Names and nicknames are quoted too, of which an image
shows nothing; such a caption falls alike, and the image only where it has no other.
"""

from collections.abc import Sequence

import pyarrow as pa

from captioning.quotes import agreement
from captioning.recaption import SCORE
from captioning.single_line import inked_line, likeness
from curation.networks import ocr, weights
from curation.picture.decoding import SMALL_SIDE
from curation.signals import captions
from curation.signals import text as page
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Measure, signal

COLUMN = captions.column("raw", "quote_precision")


def _check(_settings: object) -> None:
    weights.need("pip install 'inkstone[ocr,captions]'", "rapidocr", "onnxruntime", "rapidfuzz")


@signal(
    tier="model",
    version=1,
    columns={
        COLUMN: Column(
            pa.list_(pa.float32()),
            "share 0 to 1",
            "quoted text of each raw caption that was read in the image; 1 without any",
            in_shards=False,
        )
    },
    reads=(CAPTIONS, "text_regions"),
    short_side=page.SIDE,
    cost="medium",
    check=_check,
)
def raw_quotes() -> Measure:
    """A share of letters per raw caption. Raises ``MissingModelError``."""
    _check(None)
    reader = ocr.TextReader(least_width=ocr.LINE_HEIGHT)

    def measured(row: Row) -> list[float]:
        said = row.captions.get("caption_raw", ())
        regions = row.columns["text_regions"] or ()
        values = _shares(said, [of["text"] for of in regions if of["score"] >= SCORE])
        if min(values, default=1.0) == 1:
            return values
        # A few large letters are no rows of strokes, and the signal `text` did not look for them.
        line = inked_line(row.picture(SMALL_SIDE).rgb)
        read = reader.line(line)[0] if line is not None else ""
        values = [max(of, likeness(text, read)) for of, text in zip(values, said, strict=True)]
        if regions or min(values) == 1:
            return values
        seen = reader.page(page.seen(row.picture(page.SIDE)))
        again = _shares(said, [of.text for of in seen if of.score >= SCORE])
        return [max(pair) for pair in zip(values, again, strict=True)]

    return lambda rows: [{COLUMN: measured(row)} for row in rows]


def _shares(texts: Sequence[str], lines: Sequence[str]) -> list[float]:
    """Of each text the share of quoted letters that stand in lines; 1 where it quotes none."""
    shares = (agreement(text, lines).precision for text in texts)
    return [1.0 if share is None else share for share in shares]
