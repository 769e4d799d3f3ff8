"""Training of the flow-matching image transformer on curated shards.

``train.train`` is ``python -m train`` for who writes Python: ``docs/python.md``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from train.api import Trained, train

__all__ = ["Trained", "train"]


def __getattr__(name: str) -> Any:
    """Import what is heavy once it is asked for."""
    if name in __all__:
        from train import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
