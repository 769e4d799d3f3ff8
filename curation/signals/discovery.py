"""Which signals there are: ours, and those of the modules that a configuration names."""

import importlib
import pkgutil
from types import ModuleType

from curation.signals.signal import TIERS, Signal
from curation.strict_yaml import OWN_PACKAGES, is_own


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
