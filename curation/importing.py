"""Importing less: libraries that Apache Beam takes along where it finds them, and no run needs."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

# For data frames and for MongoDB: a quarter of the time that importing Beam takes, and 60 MB.
TAKEN_ALONG = ("pandas", "bson", "pymongo")


@contextlib.contextmanager
def without(*packages: str) -> Iterator[None]:
    """While in the block, these packages seem not to be installed, unless they are loaded."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in packages if name not in modules]
    modules.update(dict.fromkeys(hidden))  # None: how Python notes that there is no such module
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]
