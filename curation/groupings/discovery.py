"""Which groupings a configuration names, beside duplicates."""

import importlib
from collections.abc import Sequence

from curation.groupings.grouping import Grouping


def discover(modules: Sequence[str]) -> list[Grouping]:
    """The groupings that modules define, by name."""
    known: dict[str, Grouping] = {}
    for name in modules:
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, Grouping) and not isinstance(value, type):
                known[value.name] = value
    return [known[name] for name in sorted(known)]
