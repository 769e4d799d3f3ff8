"""Values of Arrow as Python has them, whatever a writer of tables stored."""

from typing import Any

import pyarrow as pa

# KeyError: a time zone that nobody knows.
_NOT_IN_PYTHON = (pa.ArrowException, KeyError, OverflowError, ValueError)
_TEXT = (pa.StringScalar, pa.LargeStringScalar, pa.StringViewScalar)
_LISTS = (pa.ListScalar, pa.LargeListScalar, pa.FixedSizeListScalar)
_WRAPPED = (pa.DictionaryScalar, pa.ExtensionScalar)


def plain(scalar: pa.Scalar) -> Any:
    """The value in Python.

    What is no UTF-8 in text becomes U+FFFD, as in ``.txt`` files. A date or time that Python cannot
    hold (the year 10000, an unknown time zone) is the number that is stored.
    """
    try:
        return scalar.as_py()
    except _NOT_IN_PYTHON:
        return _by_parts(scalar)


def is_in_python(scalar: pa.Scalar) -> bool:
    """Whether Python can hold the value as it is."""
    try:
        scalar.as_py()
    except _NOT_IN_PYTHON:
        return False
    return True


def _by_parts(scalar: pa.Scalar) -> Any:
    if isinstance(scalar, _TEXT):
        return scalar.as_buffer().to_pybytes().decode("utf-8", "replace")
    if isinstance(scalar, pa.StructScalar):
        return {name: plain(child) for name, child in scalar.items()}
    if isinstance(scalar, _LISTS):
        return [plain(child) for child in scalar.values]
    if isinstance(scalar, _WRAPPED):
        return plain(scalar.value)
    return scalar.value if pa.types.is_temporal(scalar.type) else str(scalar)
