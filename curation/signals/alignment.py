"""How well each raw caption, English or Chinese, fits its image: models that ship in packages.

No text half of CLIP is among these. Two readings of the image are held against the caption's
sentence vector and added: the classes that EfficientNet sees, through the sentence vectors of their
names; and CLIP's image vector, through a map from sentences to its space. It tells a caption of
another thing from the right one. Counts, attributes, places, relations, names and what a caption
denies it does NOT see. With weights, ``clip``, ``siglip`` and ``chinese_clip`` do better.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.networks import class_posterior, crops, heads, sentences, weights
from curation.signals import captions
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Measure, signal

COLUMN = captions.column("raw", "alignment")
BLANK = -1.0  # what a caption without a word gets: as little as can be
Vector = NDArray[np.float32]


def _check(_settings: object) -> None:
    class_posterior.check()
    sentences.check()
    heads.sentence_map()


@signal(
    tier="model",
    version=1,
    columns={
        COLUMN: Column(
            pa.list_(pa.float32()),
            "-1 to 2, 0 by chance",
            "how well each raw caption fits the image",
            in_shards=False,
        )
    },
    reads=(CAPTIONS, "embedding", "classes", "class_scores"),
    check=_check,
)
def alignment() -> Measure:
    """A score per raw caption. Raises ``MissingModelError``."""
    scorer = Scorer()

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        return [{COLUMN: _scores(scorer, row)} for row in rows]

    return measure


def _scores(scorer: "Scorer", row: Row) -> list[float] | None:
    embedding, classes = row.columns["embedding"], row.columns["classes"]
    if embedding is None or classes is None:
        return None
    image = scorer.image(np.asarray(embedding, np.float32), classes, row.columns["class_scores"])
    return of_captions(row, image, scorer.sentence)


def of_captions(row: Row, image: Vector, vector: Callable[[str], Vector]) -> list[float]:
    """The products of an image's vector and those of its raw captions, in their order."""
    texts = row.captions.get("caption_raw", ())
    return [float(image @ vector(text)) if text.strip() else BLANK for text in texts]


class Scorer:
    """Images and sentences to vectors (1024,), half by each reading, whose product is the score."""

    def __init__(self) -> None:
        """Raises ``MissingModelError``."""
        self._sentences, self._map = sentences.Sentences(), heads.sentence_map()
        names = self._sentences.vectors(list(class_posterior.names()))
        self._mean = names.mean(axis=0)
        self._names = names - self._mean

    def image(self, embedding: Vector, classes: Sequence[int], scores: Sequence[float]) -> Vector:
        """Of an image's ``embedding`` (512,) and its likely classes: shorter where none is sure."""
        if embedding.shape != self._map.image_mean.shape:
            raise weights.MissingModelError(
                "the signal 'alignment' reads vectors of CLIP ViT-B/16, which 'embedding' is not "
                "set to: leave it as it is, or do without alignment by --without alignment"
            )
        seen = np.asarray(scores, np.float32) @ self._names[np.asarray(classes, np.int64)]
        return np.concatenate([seen, self._map.of_image(embedding)])

    def sentence(self, text: str) -> Vector:
        """Of a caption."""
        vector = self._sentences.vector(text)
        return np.concatenate([crops.unit(vector - self._mean), self._map.of_sentence(vector)])
