"""Curation: raw image-text pairs in, measured, judged and sharded samples out.

``curation.curate`` is ``beam run`` for who writes Python: ``docs/python.md``.
"""

from typing import TYPE_CHECKING, Any

from curation.release import __version__

if TYPE_CHECKING:
    from curation.api import Curated, curate, open_run

__all__ = ["Curated", "__version__", "curate", "open_run"]


def __getattr__(name: str) -> Any:
    """Import what is heavy once it is asked for."""
    if name in __all__:
        from curation import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
