"""A vector that says what an image looks like, by which copies of it are known.

By default what EfficientNet-Lite0, which ships inside a package, pools to tell classes apart;
or by any image encoder, as ``embedding`` has it, such as SSCD's. Which copies it knows is in
``docs/copies.md``.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from curation.networks import encoders
from curation.networks.encoders import Library
from curation.signals.embedding import EmbeddingSettings
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal


class AppearanceSettings(EmbeddingSettings):
    """``embedding.EmbeddingSettings``, by default EfficientNet-Lite0."""

    library: Library = "efficientnet"


def _check(settings: AppearanceSettings) -> None:
    encoders.check(settings.named())


@signal(
    tier="model",
    version=1,
    columns={
        "appearance": Column(
            pa.list_(pa.float32()), "unit vector", "what the image looks like", in_shards=False
        )
    },
    settings=AppearanceSettings,
    cost="medium",
    check=_check,
)
def appearance(settings: AppearanceSettings) -> Measure:
    """A vector of length 1 per image. Raises ``MissingModelError``, ``OSError``."""
    _check(settings)
    encoder = encoders.image_encoder(settings.named())

    def measure(rows: Sequence[Row]) -> list[dict[str, np.ndarray]]:
        return [{"appearance": encoder.vector(row.picture(settings.side).rgb)} for row in rows]

    return measure
