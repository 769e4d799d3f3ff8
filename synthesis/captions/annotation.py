"""The structured annotation of an image: the JSON a captioner is asked for, checked.

The keys are those of the captioner's schema, so that synthetic and real images are annotated alike.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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


class Annotation(BaseModel):
    """One image's annotation; ``model_dump(by_alias=True)`` has the keys of the schema."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    caption: str = Field(alias="Caption", min_length=1)
    image_type: str = Field(alias="Image Type", min_length=1)
    image_style: str = Field(alias="Image Style", min_length=1)
    watermark_list: list[str] = Field(alias="Watermark List")
    abnormal_element: Literal["yes", "no"] = Field(alias="Abnormal Element")


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
