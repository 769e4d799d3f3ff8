"""A vector that says what an image looks like, by which copies of it are known.

By default what EfficientNet-Lite0, which ships inside a package, pools to tell classes apart;
or by any image encoder, as ``embedding`` has it, such as SSCD's. Which copies it knows is in
``docs/copies.md``.
"""

from curation.networks.encoders import Library
from curation.signals.embedding import EmbeddingSettings, of_encoder


class AppearanceSettings(EmbeddingSettings):
    """``embedding.EmbeddingSettings``, by default EfficientNet-Lite0."""

    library: Library = "efficientnet"


appearance = of_encoder("appearance", AppearanceSettings, "what the image looks like", 1)
