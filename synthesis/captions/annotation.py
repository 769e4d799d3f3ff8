"""The structured annotation of a synthetic image, from its description."""

from typing import Any

from curation.shard.annotation import Annotation
from synthesis.captions.roles import WATERMARK
from synthesis.description import Description, ImageType

_TYPES: dict[ImageType, str] = {
    "text": "text rendering",
    "photo": "photograph",
    "design": "graphic design",
}
_STYLES: dict[ImageType, str] = {
    "text": "plain typography",
    "photo": "realistic",
    "design": "flat design",
}


def annotate(description: Description, caption: str) -> dict[str, Any]:
    """The annotation of what is described, under the keys of the schema."""
    watermarks = [words.text for words in description.words if words.role == WATERMARK]
    values = {
        "Caption": caption,
        "Image Type": _TYPES[description.image_type],
        "Image Style": description.style or _style(description),
        "Watermark List": watermarks,
        "Abnormal Element": "yes" if watermarks or description.abnormal else "no",
    }
    return Annotation.model_validate(values).model_dump(by_alias=True)


def _style(description: Description) -> str:
    if description.image_type == "text" and description.writing == "handwritten":
        return "handwriting"
    return _STYLES[description.image_type]
