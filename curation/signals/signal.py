"""What a signal is: a function of a picture (or its header) that yields columns and drops nothing.

A signal declares the Arrow type, unit and meaning of every column it yields, its tier (what it
needs to see) and a version that is raised whenever its values change, so that stored measurements
are never mixed with newer ones.
"""

import importlib
import pkgutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import pyarrow as pa

Tier = Literal["file", "pixel", "model"]
TIERS: tuple[Tier, ...] = ("file", "pixel", "model")
_LOADING = threading.Lock()
OWN_PACKAGES = ("curation", "taxonomy", "captioning", "synthesis")


class MissingModelError(ImportError):
    """A signal's model is not installed or cannot be loaded; the message says what to do."""


@dataclass(frozen=True)
class Column:
    """One measured column: its Arrow type, its unit (with range), and what it says."""

    type: pa.DataType
    unit: str
    meaning: str


def _nothing() -> None:
    """What most signals have to load."""


@dataclass(frozen=True)
class Signal:
    """A registered measurement.

    ``function`` takes, by tier: ``file`` a ``Header``; ``pixel`` a ``Picture``;
    ``model`` a list of ``Picture`` and returns a list, one entry per picture. Each entry
    is a mapping with exactly the keys of ``columns``, and does not depend on the other pictures.
    ``load`` makes ready what ``function`` needs, once per process, before any picture is read.
    """

    name: str
    tier: Tier
    version: int
    columns: Mapping[str, Column]
    function: Callable[[Any], Any]
    load: Callable[[], object] = _nothing


def signal(
    *,
    tier: Tier,
    version: int,
    columns: Mapping[str, Column],
    load: Callable[[], object] = _nothing,
) -> Callable[[Callable[[Any], Any]], Signal]:
    """Declare the decorated function as a signal named after it."""

    def register(function: Callable[[Any], Any]) -> Signal:
        return Signal(function.__name__, tier, version, dict(columns), function, load)

    return register


def signals_of(module: ModuleType) -> list[Signal]:
    """The signals a module defines, by name."""
    found = [value for value in vars(module).values() if isinstance(value, Signal)]
    return sorted(found, key=lambda entry: entry.name)


def discover(extra_modules: tuple[str, ...] = ()) -> list[Signal]:
    """All signals of ``curation.signals`` and of the named modules, ordered by tier and name.

    Raises ``ValueError`` for a module outside our own packages and for a column claimed twice.
    """
    package = importlib.import_module("curation.signals")
    names = [f"curation.signals.{entry.name}" for entry in pkgutil.iter_modules(package.__path__)]
    for name in extra_modules:
        if name.split(".")[0] not in OWN_PACKAGES:
            raise ValueError(f"signal module {name!r} is not in one of {', '.join(OWN_PACKAGES)}")
    found: dict[str, Signal] = {}
    owner: dict[str, str] = {}
    for name in [*names, *extra_modules]:
        for entry in signals_of(importlib.import_module(name)):
            found[entry.name] = entry
            for column in entry.columns:
                if owner.setdefault(column, entry.name) != entry.name:
                    raise ValueError(f"column {column!r}: both {owner[column]} and {entry.name}")
    return sorted(found.values(), key=lambda entry: (TIERS.index(entry.tier), entry.name))


def load(entry: Signal) -> None:
    """Make a signal ready in this process. Raises ``MissingModelError``."""
    with _LOADING:  # threads of one process share what is loaded
        try:
            entry.load()
        except Exception as error:  # whatever the library that reads the weights calls it
            if isinstance(error, (MissingModelError, MemoryError)):
                raise
            raise MissingModelError(
                f"the signal {entry.name!r} cannot load its model ({type(error).__name__}: "
                f"{error}): install it again, or remove {', '.join(map(repr, entry.columns))} "
                "from the bounds of the pipeline"
            ) from error


def fields(signals: list[Signal]) -> list[pa.Field]:
    """The Arrow fields of the signals' columns, in order; all nullable (null: not measured)."""
    return [
        pa.field(name, column.type) for entry in signals for name, column in entry.columns.items()
    ]
