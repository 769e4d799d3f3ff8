"""Violence and offence: which of a list of sentences an image-text model takes an image for.

A slot: no model that ships inside a package sees these, so that its weights are yours to bring.
What it says depends on the sentences and on the model, and was not measured here: we have no such
images. Symbols, gestures and text in the image it hardly sees.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from curation.networks import encoders
from curation.signals.image_text import ImageTextSettings
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal

VIOLENT = ("a photo of a bloody injury", "a photo of people fighting", "a photo of a corpse")
OFFENSIVE = ("a racist caricature", "a hateful symbol", "an obscene gesture")
HARMLESS = ("a photo of a landscape", "a photo of a person", "a photo of an object", "a drawing",
            "a photo of an animal", "a photo of food", "a page of text")  # fmt: skip


class OffenceSettings(ImageTextSettings):
    """The model, by default SigLIP 2, and the sentences that stand for each kind of image."""

    model: str = "google/siglip2-so400m-patch14-384"
    side: int = 384
    violent: tuple[str, ...] = VIOLENT
    offensive: tuple[str, ...] = OFFENSIVE
    harmless: tuple[str, ...] = HARMLESS


def _check(settings: OffenceSettings) -> None:
    encoders.check(settings.named(), texts=True)


@signal(
    tier="model",
    version=1,
    columns={
        "violence": Column(pa.float32(), "0 to 1", "probability of a sentence on violence"),
        "offence": Column(pa.float32(), "0 to 1", "probability of a sentence on offence"),
    },
    settings=OffenceSettings,
    cost="heavy",
    check=_check,
)
def offence(settings: OffenceSettings) -> Measure:
    """Probabilities per image, over all the sentences. Raises ``MissingModelError``."""
    _check(settings)
    encoder = encoders.image_text_encoder(settings.named())
    kinds = (settings.violent, settings.offensive, settings.harmless)
    sentences = np.stack([encoder.text_vector(text) for kind in kinds for text in kind])
    ends = np.cumsum([len(kind) for kind in kinds[:-1]])

    def measure(rows: Sequence[Row]) -> list[dict[str, float]]:
        measured = []
        for row in rows:
            image = encoder.vector(row.picture(settings.side).rgb)
            logits = (encoder.scale * (sentences @ image)).astype(np.float64)
            odds = np.exp(logits - logits.max())
            parts = np.split(odds / odds.sum(), ends)
            measured.append({"violence": float(parts[0].sum()), "offence": float(parts[1].sum())})
        return measured

    return measure
