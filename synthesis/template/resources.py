"""Styles, palettes and contents from their files, checked as they are read."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from curation.failures.errors import UsageError
from curation.picture.colours import contrast_ratio
from curation.strict_yaml import Document, PathTo, bind, did_you_mean, read
from synthesis.template.colouring import LEAST_CONTRAST, LEAST_CONTRAST_LARGE, Colours, from_hex
from synthesis.template.computed import RULES, Uncomputable
from synthesis.template.contents import (
    Contents,
    Filler,
    Record,
    Scope,
    is_computed,
    unknown_patterns,
)
from synthesis.template.models import Palette, Style

HERE = Path(__file__).parent
CONTENTS = HERE / "contents"
_TRIALS = 12  # times that computed texts are tried with other numbers
_BODY_PAIRS = (("text", "background"), ("text", "surface"), ("muted", "background"))


@cache
def shared_styles() -> Mapping[str, Style]:
    """The styles every template starts from, by name."""
    return bind(read(str(HERE / "styles.yaml")), dict[str, Style])


@cache
def palettes() -> Mapping[str, Palette]:
    """All palettes by name; their texts can be read on their backgrounds."""
    document = read(str(HERE / "palettes.yaml"))
    by_name = bind(document, dict[str, Palette])
    for name, palette in by_name.items():
        for ink, ground in _BODY_PAIRS:
            _check_contrast(document, name, palette, (ink, ground), LEAST_CONTRAST)
        _check_contrast(document, name, palette, ("primary", "background"), LEAST_CONTRAST_LARGE)
    return by_name


@cache
def colours(palette: str, *, swapped: bool = False) -> Colours:
    """The colours of a palette, by its name; ``swapped`` primary and accent."""
    chosen = palettes()[palette]
    if swapped:
        chosen = chosen.model_copy(update={"primary": chosen.accent, "accent": chosen.primary})
    return Colours.of(chosen)


def _check_contrast(
    document: Document, name: str, palette: Palette, pair: tuple[str, str], least: float
) -> None:
    ink, ground = (from_hex(getattr(palette, role)) for role in pair)
    contrast = contrast_ratio(ink, ground)
    if contrast < least:
        problem = (
            f"{pair[0]} on {pair[1]} has a contrast of {contrast:.2f}; expected {least} or more"
        )
        document.fail((name, pair[0]), problem)


@cache
def languages() -> tuple[str, ...]:
    """The languages there are contents in."""
    return tuple(sorted(path.stem for path in CONTENTS.glob("*.yaml")))


@cache
def contents(language: str) -> Contents:
    """The texts of a language. Raises ``UsageError`` where a pattern means nothing."""
    if language not in languages():
        known = ", ".join(languages())
        raise UsageError(f"mode template has no contents in language {language!r}, only in {known}")
    document = read(str(CONTENTS / f"{language}.yaml"))
    topics = {name: value for name, value in document.value.items() if name != "pools"}
    parsed = Contents(topics, document.value["pools"])
    for place, text in texts(document.value, ()):
        check_patterns(document, place, text, parsed)
    for name, records in topics.items():
        for number, record in enumerate(records):
            check_computed(document, (name, number), record, parsed, language)
    return parsed


def texts(value: Any, path: PathTo) -> Iterator[tuple[PathTo, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from texts(inner, (*path, number))
    else:
        yield path, str(value)


def check_patterns(document: Document, path: PathTo, text: str, known: Contents) -> None:
    for name in unknown_patterns(text, known.pools):
        hint = did_you_mean(name, [*known.pools, *RULES])
        document.fail(path, f"<{name}> is neither a pool nor a rule{hint}")


def check_computed(
    document: Document, path: PathTo, record: Record, known: Contents, language: str
) -> None:
    """Compute what a record computes, several times, and refuse what cannot be with its line."""
    if not any(is_computed(text) for _, text in texts(record, ())):
        return
    for seed in range(_TRIALS):
        scope = Scope(Filler(Random(seed), language, known), record)
        _check_value(document, path, record, scope, "")


def _check_value(document: Document, path: PathTo, value: Any, scope: Scope, name: str) -> None:
    """``name`` is what ``scope`` calls the value."""
    if isinstance(value, str) and is_computed(value):
        try:
            scope.filler.filled(value, scope)
        except Uncomputable as problem:
            document.fail(path, f"{value}: {problem}")
        except KeyError as missing:
            valid = sorted({_called(place) for place, _ in texts(scope.record, ())})
            wanted = str(missing.args[0]).removeprefix("item.")
            hint = did_you_mean(wanted, valid)
            message = f"{value}: no field {wanted!r}; there are {', '.join(valid)}{hint}"
            document.fail(path, message)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_value(document, (*path, key), inner, scope, f"{name}.{key}" if name else key)
    elif isinstance(value, list | tuple):
        for number, entry in enumerate(scope.entries(name)):
            _check_value(document, (*path, number), entry.item, entry, "item")


def _called(path: PathTo) -> str:
    """How a pattern calls the field at a path of a record: ``rows.amount``."""
    return ".".join(step for step in path if isinstance(step, str))
