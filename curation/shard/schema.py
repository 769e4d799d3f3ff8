"""What a row of a shard is: one Arrow schema for real and synthetic samples.

``image`` is the Hugging Face ``Image`` struct with the ORIGINAL bytes, so that ``datasets`` and its
viewer open a shard as it is.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

CAPTIONS = pa.list_(
    pa.struct([("text", pa.string()), ("language", pa.string()), ("origin", pa.string())])
)
TEXT_BOXES = pa.list_(
    pa.struct([("text", pa.string()), ("quad", pa.list_(pa.float32())), ("level", pa.string())])
)
BASE_FIELDS = (
    pa.field("id", pa.string(), nullable=False),
    # nullable for Hugging Face only, which else sees no Image here; write refuses a null
    pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
    pa.field("key", pa.string(), nullable=False),
    pa.field("width", pa.int32()),
    pa.field("height", pa.int32()),
    pa.field("format", pa.string()),
    pa.field("caption_raw", CAPTIONS),
    pa.field("caption_recaption", CAPTIONS),
    pa.field("caption_fused", CAPTIONS),
    pa.field("annotation", pa.string()),  # the captioner's JSON
    pa.field("text_boxes", TEXT_BOXES),
    pa.field("source", pa.string()),
    pa.field("licence", pa.string()),
    pa.field("synthetic", pa.bool_(), nullable=False),
    pa.field("stage", pa.string()),
)
GROUP_FIELDS = (
    pa.field("exact_better", pa.int32()),
    pa.field("near_better", pa.int32()),
    pa.field("duplicate_of", pa.string()),
)
_HF_DTYPES = {"float": "float32", "double": "float64", "halffloat": "float16"}


def content_id(data: bytes) -> str:
    """The id of a sample: the first 128 bits of the SHA-256 of its original bytes, as 32 digits.

    SHA-256, because processors compute it in hardware, at half the cost of BLAKE2b.
    """
    return hashlib.sha256(data).hexdigest()[:32]


def schema(signal_fields: Sequence[pa.Field] = ()) -> pa.Schema:
    """The shard schema with the given signal columns, and Hugging Face feature metadata.

    A signal column that every sample has anyway (``width``) is not written twice.
    """
    base = {field.name for field in BASE_FIELDS}
    measured = [stored(field) for field in signal_fields if field.name not in base]
    plain = pa.schema([*BASE_FIELDS, *measured, *GROUP_FIELDS])
    features = {field.name: _feature(field) for field in plain}
    return plain.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def stored(field: pa.Field) -> pa.Field:
    """The field as Parquet files hold it: lists of a fixed size are lists.

    Arrow writes a null among those of a fixed size so that it cannot read it again.
    """
    return field.with_type(_stored(field.type))


def _stored(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind):
        return pa.list_(_stored(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([stored(child) for child in kind])
    return kind


def _feature(field: pa.Field) -> Any:
    if field.name == "image":
        return {"_type": "Image"}
    return _feature_of_type(field.type)


def _feature_of_type(kind: pa.DataType) -> Any:
    if pa.types.is_struct(kind):
        return {child.name: _feature_of_type(child.type) for child in kind}
    if pa.types.is_list(kind):
        return {"feature": _feature_of_type(kind.value_type), "_type": "List"}
    name = str(kind).partition("[")[0] if pa.types.is_date(kind) else str(kind)
    return {"dtype": _HF_DTYPES.get(name, name), "_type": "Value"}
