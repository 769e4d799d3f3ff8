"""What a row of a shard is: one Arrow schema for real and synthetic samples.

``image`` is the Hugging Face ``Image`` struct with the ORIGINAL bytes, so that ``datasets`` and its
viewer open a shard as it is.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

VERSION = 3  # raised when what is in these columns changes meaning or type
VERSION_KEY = "inkstone_schema"  # in the footer; shards of version 1 lack it
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
CAPTIONS = pa.list_(
    pa.struct([(name, pa.string()) for name in ("text", "language", "origin", "stage")])
)
EMBEDDING = pa.list_(pa.float32())
TEXT_BOXES = pa.list_(
    pa.struct([("text", pa.string()), ("quad", pa.list_(pa.float32())), ("level", pa.string())])
)
BASE_FIELDS = (
    pa.field("id", pa.string(), nullable=False),
    # nullable for Hugging Face only, which else sees no Image here; write refuses a null
    pa.field("image", IMAGE),
    pa.field("key", pa.string(), nullable=False),
    pa.field("width", pa.int32()),
    pa.field("height", pa.int32()),
    pa.field("format", pa.string()),
    pa.field("inputs", pa.list_(IMAGE)),  # of an edit sample: what ``image`` was made from
    pa.field("caption_raw", CAPTIONS),
    pa.field("caption_recaption", CAPTIONS),
    pa.field("caption_fused", CAPTIONS),
    pa.field("caption_instruction", CAPTIONS),
    pa.field("annotation", pa.string()),  # the captioner's JSON
    pa.field("text_boxes", TEXT_BOXES),
    pa.field("edit_kind", pa.string()),  # of an edit sample, as are the next three
    pa.field("edit_operation", pa.string()),
    pa.field("edit_mask", IMAGE),  # where ``image`` may differ from its inputs; null: everywhere
    pa.field("input_boxes", pa.list_(TEXT_BOXES)),  # ``text_boxes`` of each input
    pa.field("source", pa.string()),
    pa.field("licence", pa.string()),
    pa.field("synthetic", pa.bool_(), nullable=False),
    pa.field("stage", pa.string()),
    pa.field("category", pa.string()),
    pa.field("domain", pa.string()),
    pa.field("weight", pa.float32()),  # null: nobody weighed it, which is 1
)
GROUP_FIELDS = (
    pa.field("exact_better", pa.int32()),
    pa.field("pair_better", pa.int32()),
    pa.field("near_better", pa.int32()),
    pa.field("duplicate_of", pa.string()),
)
_HF_DTYPES = {"float": "float32", "double": "float64", "halffloat": "float16"}


def content_id(data: bytes, inputs: Sequence[bytes] = (), instruction: Sequence[str] = ()) -> str:
    """The id of a sample: the first 128 bits of the SHA-256 of its original bytes, as 32 digits.

    That of an edit sample, which has ``inputs``, is of all its images and of the texts of its
    instruction, in their order. SHA-256, because processors compute it in hardware, at half the
    cost of BLAKE2b.
    """
    digest = hashlib.sha256(data)
    if inputs:
        parts = [digest, *map(hashlib.sha256, inputs)]
        parts += [hashlib.sha256(text.encode()) for text in instruction]
        digest = hashlib.sha256(f"edit of {len(inputs)}\n".encode())
        for part in parts:
            digest.update(part.digest())
    return digest.hexdigest()[:32]


def schema(signal_fields: Sequence[pa.Field] = ()) -> pa.Schema:
    """The shard schema with the given signal columns, its version, and Hugging Face's features.

    A signal column that every sample has anyway (``width``) is not written twice.
    """
    base = {field.name for field in BASE_FIELDS}
    measured = [stored(field) for field in signal_fields if field.name not in base]
    plain = pa.schema([*BASE_FIELDS, *measured, *GROUP_FIELDS])
    features = {field.name: _feature(field.type) for field in plain}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return plain.with_metadata(metadata | {VERSION_KEY: str(VERSION)})


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


def _feature(kind: pa.DataType) -> Any:
    if kind == IMAGE:
        return {"_type": "Image"}
    if pa.types.is_struct(kind):
        return {child.name: _feature(child.type) for child in kind}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    name = str(kind).partition("[")[0] if pa.types.is_date(kind) else str(kind)
    return {"dtype": _HF_DTYPES.get(name, name), "_type": "Value"}
