"""Which signals there are: ours, and those of the modules that a configuration names."""

import importlib
import pkgutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from curation.signals.signal import TIERS, Signal
from curation.strict_yaml import OWN_PACKAGES, is_own

_OTHERS = ("captioning", "taxonomy", "synthesis")  # packages of ours whose modules may have signals


def signals_of(module: ModuleType) -> list[Signal]:
    """The signals a module defines, by name."""
    defined = [value for value in vars(module).values() if isinstance(value, Signal)]
    return sorted(defined, key=lambda entry: entry.name)


def discover(extra_modules: tuple[str, ...] = ()) -> list[Signal]:
    """All signals of ``curation.signals`` and of the named modules, ordered by tier and name.

    Raises ``ValueError`` for a module outside our own packages and for a column claimed twice.
    """
    package = importlib.import_module("curation.signals")
    names = [f"curation.signals.{entry.name}" for entry in pkgutil.iter_modules(package.__path__)]
    for name in extra_modules:
        if not is_own(name):
            raise ValueError(f"signal module {name!r} is not in one of {', '.join(OWN_PACKAGES)}")
    known: dict[str, Signal] = {}
    owner: dict[str, str] = {}
    for name in [*names, *extra_modules]:
        for entry in signals_of(importlib.import_module(name)):
            known[entry.name] = entry
            for column in entry.columns:
                if owner.setdefault(column, entry.name) != entry.name:
                    raise ValueError(f"column {column!r}: both {owner[column]} and {entry.name}")
    return sorted(known.values(), key=lambda entry: (TIERS.index(entry.tier), entry.name))


def offering(fits: Callable[[Signal], bool], besides: tuple[str, ...] = ()) -> list[str]:
    """The modules of our other packages that have such a signal, none of them ``besides``.

    To say in an error what a configuration lacks: modules that speak of signals are imported.
    """
    names = [name for package in _OTHERS for name in _modules(package) if name not in besides]
    modules = map(importlib.import_module, names)
    return [module.__name__ for module in modules if any(map(fits, signals_of(module)))]


def _modules(package: str) -> list[str]:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return []
    files = (path for of in spec.submodule_search_locations for path in Path(of).glob("*.py"))
    named = sorted(path.stem for path in files if "signal" in path.read_text("utf-8").lower())
    return [f"{package}.{name}" for name in named if not name.startswith("__")]
