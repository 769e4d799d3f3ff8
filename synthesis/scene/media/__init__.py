"""The media: each is one file here with one ``MEDIUM``, found by its being here."""

import pkgutil
from functools import cache
from importlib import import_module

from synthesis.scene.medium import Medium


@cache
def all_media() -> tuple[Medium, ...]:
    """Every medium, in the order of the files' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").MEDIUM for name in names)
