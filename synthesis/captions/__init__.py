"""Captions of synthetic images, from their descriptions, and the annotation that goes with them."""

from random import Random
from typing import Any

from synthesis.captions import composed, plain
from synthesis.captions.annotation import annotate
from synthesis.description import Description


def caption_language(language: str) -> str:
    """The language of captions for texts of ``language``: ``zh`` for Chinese, else ``en``."""
    return "zh" if language.split("-", maxsplit=1)[0] == "zh" else "en"


def caption(random: Random, language: str, description: Description) -> str:
    """What the image shows, in words: every text quoted to the letter, in reading order.

    ``language`` is that of the texts. Raises ``UnrenderableError`` (``unquotable``) for a text
    that holds every quotation mark there is.
    """
    caption_in = caption_language(language)
    if description.image_type == "text" and len(description.words) == 1:
        return plain.choose(random, caption_in, description, language)
    return composed.compose(random, caption_in, description)


def annotation(description: Description, caption: str) -> dict[str, Any]:
    """The captioner's JSON for the image: caption, type, style, watermarks, abnormal element."""
    return annotate(description, caption)
