"""What an image shows, as classes of ImageNet: what EfficientNet-Lite0 takes for likely."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from curation.networks import class_posterior
from curation.picture.decoding import SMALL_SIDE
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal

MOST = 16  # classes that are kept: what alignment makes of them is what it makes of all


def _check(_settings: object) -> None:
    class_posterior.check()


@signal(
    tier="model",
    version=1,
    columns={
        "classes": Column(
            pa.list_(pa.int16()), "0 to 999", "ImageNet's classes, the likeliest first",
            in_shards=False,
        ),
        "class_scores": Column(
            pa.list_(pa.float32()), "0 to 1", "probabilities of the classes", in_shards=False
        ),
    },
    cost="medium",
    check=_check,
)  # fmt: skip
def classes() -> Measure:
    """The likeliest classes per image, and their probabilities. Raises ``MissingModelError``."""
    classifier = class_posterior.Classifier()

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        measured = []
        for row in rows:
            scores = classifier.posterior(row.picture(SMALL_SIDE).rgb)
            first = np.argsort(-scores, kind="stable")[:MOST]
            measured.append({"classes": first.astype(np.int16), "class_scores": scores[first]})
        return measured

    return measure
