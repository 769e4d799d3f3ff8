"""How well each raw caption fits its image, by image-text models whose weights you bring.

``clip`` and ``siglip`` read English (SigLIP 2 many languages), ``chinese_clip`` Chinese. None of
them sees what a caption denies, and counts and relations hardly.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import pyarrow as pa

from curation.networks import encoders
from curation.networks.encoders import Named
from curation.picture.decoding import SMALL_SIDE
from curation.signals import captions
from curation.signals.alignment import of_captions
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Measure, Settings, Signal


class ImageTextSettings(Settings):
    """Which image-text model, as ``curation.networks.encoders.Named`` says; images with a short
    side of at least ``side`` pixels are decoded for it.
    """

    library: Literal["open_clip", "transformers"] = "transformers"
    model: str = ""
    weights: str = ""
    side: int = SMALL_SIDE

    def named(self) -> Named:
        """The encoder's name."""
        return Named(library=self.library, model=self.model, weights=self.weights)


class ClipSettings(ImageTextSettings):
    """``image_text.ImageTextSettings``, by default CLIP ViT-L/14."""

    library: Literal["open_clip", "transformers"] = "open_clip"
    model: str = "ViT-L-14"


class SiglipSettings(ImageTextSettings):
    """``image_text.ImageTextSettings``, by default SigLIP 2."""

    model: str = "google/siglip2-so400m-patch14-384"
    side: int = 384


class ChineseClipSettings(ImageTextSettings):
    """``image_text.ImageTextSettings``, by default Chinese-CLIP."""

    model: str = "OFA-Sys/chinese-clip-vit-large-patch14"


def _check(settings: ImageTextSettings) -> None:
    encoders.check(settings.named(), texts=True)


def _loaded(column: str) -> Callable[[ImageTextSettings], Measure]:
    def load(settings: ImageTextSettings) -> Measure:
        _check(settings)
        encoder = encoders.image_text_encoder(settings.named())

        def scores(row: Row) -> list[float]:
            image = encoder.vector(row.picture(settings.side).rgb)
            return of_captions(row, image, encoder.text_vector)

        def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
            return [{column: scores(row)} for row in rows]

        return measure

    return load


def _signal(name: str, settings: type[ImageTextSettings], meaning: str) -> Signal:
    column = captions.column("raw", name)
    columns = {column: Column(pa.list_(pa.float32()), "cosine", meaning, in_shards=False)}
    return Signal(
        name,
        "model",
        1,
        columns,
        _loaded(column),
        settings,
        reads=(CAPTIONS,),
        cost="heavy",
        check=_check,
    )


clip = _signal("clip", ClipSettings, "fit of each raw caption, by CLIP")
siglip = _signal("siglip", SiglipSettings, "fit of each raw caption, by SigLIP 2")
chinese_clip = _signal("chinese_clip", ChineseClipSettings, "fit of each raw caption, Chinese-CLIP")
