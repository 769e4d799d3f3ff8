"""Columns of a source that are passed on as they are (``--keep-columns``), with their Arrow types.

A table tells the type of a column; of JSON it is found: text, whole and floating-point numbers,
booleans and lists of them, while objects are kept as JSON text. Where sources differ, numbers are
widened; where nothing wider holds both, or Python cannot hold a value, the column becomes text.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation import storage
from curation.sources.sample import SourceError
from curation.sources.scalars import is_in_python, plain
from curation.sources.values import clean

TEXT = pa.string()
_REFUSALS = (pa.ArrowException, OverflowError, TypeError, ValueError)


def refuse_clashes(names: Sequence[str], *ours: pa.Schema) -> None:
    """Raise ``SourceError`` for a name that a column of ours has, in any case of its letters."""
    taken = {name.casefold(): name for schema in ours for name in schema.names}
    for place, name in enumerate(names):
        if name.casefold() in taken:
            raise SourceError(
                f"--keep-columns {name}: shards or signals have a column of ours "
                f"named {taken[name.casefold()]}; expected another name; rename it in the source"
            )
        if name.casefold() in (other.casefold() for other in names[:place]):
            raise SourceError(f"--keep-columns {name}: named twice; expected each column once")


def column(values: Sequence[Any]) -> pa.Array:
    """One column of values: Arrow scalars from tables, or what JSON holds; None for absent."""
    scalars = [_scalar(value) for value in values]
    kind = united(scalar.type for scalar in scalars if scalar is not None)
    return _array(scalars, kind)


def united(kinds: Iterable[pa.DataType]) -> pa.DataType:
    """The narrowest type that holds values of all these, else text; null for no types."""
    wide = pa.null()
    for kind in dict.fromkeys(map(_storable, kinds)):
        schemas = [pa.schema([("", of)]) for of in (wide, kind)]
        try:
            wide = pa.unify_schemas(schemas, promote_options="permissive").field(0).type
        except _REFUSALS:
            return TEXT
    return wide


def as_type(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """The column in a type that ``united`` gave for its own and others."""
    if array.type == kind:
        return array
    if kind != TEXT or pa.types.is_null(array.type):
        return array.cast(kind, safe=False)
    return pa.array([_text(value) for value in array], TEXT)


def fields(signals: Iterable[str], names: Sequence[str]) -> list[pa.Field]:
    """The columns over all units, whose files of signals are given."""
    kinds: dict[str, list[pa.DataType]] = {name: [] for name in names}
    for path in signals if names else ():
        with storage.open_read(path) as stream:
            schema = pq.read_schema(stream)
        for name in names:
            kinds[name].append(schema.field(name).type)
    return [pa.field(name, united(of_name)) for name, of_name in kinds.items()]


def _scalar(value: Any) -> pa.Scalar | None:
    if value is None:
        return None
    if isinstance(value, pa.Scalar):
        return value if is_in_python(value) else pa.scalar(_text(value))
    if isinstance(value, str):
        return pa.scalar(clean(value))
    if not isinstance(value, dict):
        try:
            return pa.scalar(value)
        except _REFUSALS:
            pass  # a list of unlike values or with a lone surrogate, or a number beyond 64 bits
    return pa.scalar(clean(json.dumps(value, ensure_ascii=False)))


def _array(scalars: Sequence[pa.Scalar | None], kind: pa.DataType) -> pa.Array:
    if kind != TEXT:
        try:
            return pa.array(
                [None if of_row is None else of_row.as_py() for of_row in scalars], kind
            )
        except _REFUSALS:
            pass  # such as a whole number that no floating-point number holds
    return pa.array([_text(scalar) for scalar in scalars], TEXT)


def _text(scalar: pa.Scalar | None) -> str | None:
    """Text as it is, what is no UTF-8 as U+FFFD; anything else as JSON."""
    if isinstance(scalar, pa.DictionaryScalar):
        scalar = scalar.value
    value = plain(scalar) if scalar is not None and scalar.is_valid else None
    if value is None or isinstance(scalar, pa.StringScalar | pa.LargeStringScalar):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _storable(kind: pa.DataType) -> pa.DataType:
    """The type nearest to this one that a shard holds and Hugging Face's ``datasets`` reads."""
    if pa.types.is_dictionary(kind):
        return _storable(kind.value_type)
    if pa.types.is_map(kind):
        return TEXT
    if pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind):
        return pa.list_(_storable(kind.value_type))
    if pa.types.is_struct(kind):
        if not kind.num_fields:  # which Parquet cannot write
            return TEXT
        return pa.struct([field.with_type(_storable(field.type)) for field in kind])
    return kind
