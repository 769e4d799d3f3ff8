"""A vector that says what an image shows, for other signals and groupings to read.

By default by CLIP's ViT-B/16, which ships inside a package; or by any image encoder of open_clip or
transformers, or a TorchScript file such as SSCD's, by name.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from curation.networks import encoders
from curation.networks.encoders import Library, Named
from curation.picture.decoding import SMALL_SIDE
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, Settings, Signal

LONGEST = 512  # numbers in a vector of the embedded model; another's may be of another length


class EmbeddingSettings(Settings):
    """Which encoder, as ``curation.networks.encoders.Named`` says; images with a short side of at
    least ``side`` pixels are decoded for it, and a TorchScript file sees squares of that side.
    """

    library: Library = "embedded"
    model: str = ""
    weights: str = ""
    side: int = SMALL_SIDE

    def named(self) -> Named:
        """The encoder's name."""
        return Named(library=self.library, model=self.model, weights=self.weights, side=self.side)


def _check(settings: EmbeddingSettings) -> None:
    encoders.check(settings.named())


def of_encoder(name: str, settings: type[EmbeddingSettings], meaning: str, version: int) -> Signal:
    """A signal with the column ``name``: a vector of length 1 per image, by the encoder set."""
    columns = {name: Column(pa.list_(pa.float32()), "unit vector", meaning, in_shards=False)}

    def load(chosen: EmbeddingSettings) -> Measure:
        _check(chosen)
        encoder = encoders.image_encoder(chosen.named())

        def measure(rows: Sequence[Row]) -> list[dict[str, np.ndarray]]:
            return [{name: encoder.vector(row.picture(chosen.side).rgb)} for row in rows]

        return measure

    return Signal(name, "model", version, columns, load, settings, cost="medium", check=_check)


# 2: the 8-bit weights say on every CPU what they say where there is VNNI.
embedding = of_encoder("embedding", EmbeddingSettings, "what the image shows", 2)
