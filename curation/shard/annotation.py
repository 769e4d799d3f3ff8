"""The structured annotation of an image: the JSON that a captioner is asked for, checked.

Rendered and real images are annotated alike. The keys and their order are those of the report's
prompt (Qwen-Image, arXiv 2508.02324, 3.3 and figure 12).
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1)]


class Annotation(BaseModel):
    """One image's annotation; ``model_dump(by_alias=True)`` has the keys of the schema."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    caption: Text = Field(alias="Caption")
    image_type: Text = Field(alias="Image Type")
    image_style: Text = Field(alias="Image Style")
    watermark_list: list[str] = Field(alias="Watermark List")
    abnormal_element: Literal["yes", "no"] = Field(alias="Abnormal Element")

    def as_json(self) -> str:
        """The column ``annotation`` of a shard."""
        return json.dumps(self.model_dump(by_alias=True), ensure_ascii=False)


KEYS: tuple[str, ...] = tuple(str(field.alias) for field in Annotation.model_fields.values())


def json_schema(longest: int = 8000, short: int = 200, most: int = 16) -> dict[str, Any]:
    """The JSON schema that a captioner's answer is held to: lengths in characters, and how many
    watermarks there may be.
    """
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "properties": {
            "Caption": text | {"maxLength": longest},
            "Image Type": text | {"maxLength": short},
            "Image Style": text | {"maxLength": short},
            "Watermark List": {
                "type": "array",
                "items": text | {"maxLength": short},
                "maxItems": most,
            },
            "Abnormal Element": {"enum": ["yes", "no"]},
        },
        "required": list(KEYS),
        "additionalProperties": False,
    }
