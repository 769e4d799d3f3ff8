"""From a strict YAML document to a pydantic model, or to a message that names line and key."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from curation.strict_yaml.document import ConfigurationError, Document, PathTo
from curation.strict_yaml.models import Located
from curation.strict_yaml.naming import (
    described,
    did_you_mean,
    expected_one_of,
    nearest,
    place_name,
    shown,
)

_Bound = TypeVar("_Bound")
_TYPES = {
    **dict.fromkeys(("int_type", "int_from_float", "int_parsing"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("tuple_type", "list_type", "frozen_set_type"), "a list"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "dataclass_type"), "a mapping"),
    "string_type": "text",
    "bool_type": "true or false",
}
_QUOTED = re.compile(r"'([^']*)'")
KEYS = "keys"  # in the context of an unknown key: those there are, where its model was chosen
_UNION = frozenset({Union, UnionType})


def bind(
    document: Document,
    kind: type[_Bound],
    base: Mapping[str, Any] | None = None,
    besides: Sequence[str] = (),
) -> _Bound:
    """The document as a ``kind``: a model, or what pydantic knows, such as ``dict[str, Model]``.

    ``base`` are values of what the document does not give, key by key; ``besides`` keys that may
    stand beside the model's, for whoever misspells them. Types are strict: no text is
    taken for a number. Raises ``ConfigurationError`` for the first thing wrong; a misspelt key,
    which is also a missing one, comes before all others; missing keys are told together.
    """
    value = document.value if base is None else _merged(base, document.value)
    try:
        bound = _adapter(cast(Hashable, kind)).validate_python(
            value, strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        raise _first(error, document, kind, besides) from None
    return cast(_Bound, bound.located(document) if isinstance(bound, Located) else bound)


@lru_cache(maxsize=64)
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))


def _merged(base: Mapping[str, Any], over: Any) -> Any:
    if not isinstance(over, Mapping):
        return over
    merged = {**base}
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, Mapping) else value
    return merged


class _Refusal(NamedTuple):
    """One error of a validation: where in the file, and whether only its type was wrong."""

    place: PathTo
    details: ErrorDetails

    @property
    def is_unknown_key(self) -> bool:
        return self.details["type"] == "extra_forbidden"

    @property
    def is_type(self) -> bool:
        return self.details["type"] in _TYPES


def _first(
    error: ValidationError, document: Document, kind: Any, besides: Sequence[str]
) -> ConfigurationError:
    """The refusal to tell, with all that the alternatives of a union say of the same value."""
    refusals = [_placed(details, document) for details in error.errors(include_url=False)]
    first = min(refusals, key=lambda of: (not of.is_unknown_key, document.line(of.place)))
    alike = [of for of in refusals if of.place == first.place]
    telling = next((of for of in alike if not of.is_type and not _is_short(of)), None)
    if telling is not None and telling.details["type"] == "missing":
        return document.error(telling.place, "; ".join(_lacking(refusals, document)))
    if telling is not None:
        return document.error(telling.place, _message(telling, document, kind, besides))
    expected = dict.fromkeys(_TYPES.get(of.details["type"], "a longer list") for of in alike)
    value = described(first.details["input"])
    message = f"expected {' or '.join(expected)}, found {value}"
    return document.error(first.place, f"{_called(first.place, document)}: {message}")


def _placed(details: ErrorDetails, document: Document) -> _Refusal:
    path = (*details["loc"], *details.get("ctx", {}).get("path", ()))
    return _Refusal(document.known(path), details)


def _lacking(refusals: Sequence[_Refusal], document: Document) -> Iterator[str]:
    """All missing keys, mapping by mapping; of a union's alternatives those of the first."""
    keys: dict[tuple[int | str, ...], dict[str, None]] = {}
    for refusal in refusals:
        if refusal.details["type"] == "missing" and not _is_short(refusal):
            *above, key = refusal.details["loc"]
            keys.setdefault(tuple(above), {})[repr(key)] = None
    firsts = {document.known(above): above for above in reversed(keys)}
    for place in sorted(firsts, key=document.line):
        *most, last = keys[firsts[place]]
        said = (
            f"the keys {', '.join(most)} and {last}, which are"
            if most
            else f"the key {last}, which is"
        )
        yield f"{_called(place, document)}: expected {said} missing"


def _is_short(refusal: _Refusal) -> bool:
    """Whether a list of fixed length lacks an entry."""
    return refusal.details["type"] == "missing" and isinstance(refusal.details["loc"][-1], int)


def _message(refusal: _Refusal, document: Document, kind: Any, besides: Sequence[str]) -> str:
    details = refusal.details
    if refusal.is_unknown_key:
        *above, key = details["loc"]
        name = place_name((*document.known(above), shown(str(key))[1:-1]))
        keys = details.get("ctx", {}).get(KEYS) or _keys(kind, above)
        keys = [*keys, *(besides if not above else ())]
        if not nearest(str(key), keys) and (below := _deeper(kind, above, str(key), keys)):
            return f"unknown key '{name}': expected it in {below}: '{below}.{key}'"
        return f"unknown key '{name}': {expected_one_of(str(key), keys)}"
    return f"{_called(refusal.place, document)}: {explained(details)}"


def explained(details: ErrorDetails) -> str:
    """What was expected instead of the value that an error of pydantic's is about."""
    kind, message = details["type"], details["msg"]
    if kind in _TYPES:
        return f"expected {_TYPES[kind]}, found {described(details['input'])}"
    if kind in _OTHERS:
        return _OTHERS[kind](details)
    if message.startswith("Input should "):
        given = described(details["input"])
        return f"expected it to {message.removeprefix('Input should ')}, found {given}"
    return message.removeprefix("Value error, ")


def _missing(details: ErrorDetails) -> str:
    return f"expected the key {str(details['loc'][-1])!r}, which is missing"


def _too_short(details: ErrorDetails) -> str:
    return f"expected at least {_entries(details['ctx']['min_length'])}"


def _too_long(details: ErrorDetails) -> str:
    return f"expected at most {_entries(details['ctx']['max_length'])}"


def _no_such_literal(details: ErrorDetails) -> str:
    given, expected = details["input"], details["ctx"]["expected"]
    hint = did_you_mean(given, _QUOTED.findall(expected)) if isinstance(given, str) else ""
    return f"expected {expected}, found {described(given)}{hint}"


_OTHERS = {
    "missing": _missing,
    "too_short": _too_short,
    "too_long": _too_long,
    "literal_error": _no_such_literal,
}


def _entries(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"


def _called(place: PathTo, document: Document) -> str:
    return repr(place_name(place)) if place else document.place


def _keys(kind: Any, path: Sequence[str | int]) -> list[str]:
    """The keys that the models at ``path`` below ``kind`` know."""
    kinds = list(_alternatives(kind))
    for step in path:  # a step that leads nowhere is pydantic's name of a union's alternative
        kinds = [below for part in kinds for below in _below(part, step)] or kinds
    models = [part for part in kinds if isinstance(part, type) and issubclass(part, BaseModel)]
    return [key for model in models for key in _keys_of(model)]


def _deeper(kind: Any, above: Sequence[str | int], key: str, keys: Sequence[str]) -> str | None:
    """The only one of the ``keys`` at ``above`` that knows the ``key``."""
    among = [name for name in keys if key in _keys(kind, [*above, name])]
    return among[0] if len(among) == 1 else None


def _keys_of(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = name if field.alias is None else field.alias
        if key:
            yield key


def _alternatives(kind: Any) -> Iterator[Any]:
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _alternatives(get_args(kind)[0])
    elif origin in _UNION:
        for part in get_args(kind):
            yield from _alternatives(part)
    else:
        yield kind


def _below(kind: Any, step: str | int) -> Iterator[Any]:
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if step in (name, field.alias):
                yield from _alternatives(field.annotation)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield from _alternatives(inner[1])
    elif isinstance(step, int) and inner:
        for part in inner:
            if part is not Ellipsis:
                yield from _alternatives(part)
