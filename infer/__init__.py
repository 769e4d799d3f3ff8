"""Inference: generating images from prompts with a trained checkpoint.

``infer.generate`` is ``python -m infer`` for who writes Python, ``infer.evaluate`` is
``python -m infer.evaluation``: ``docs/python.md``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infer.api import evaluate, generate

__all__ = ["evaluate", "generate"]


def __getattr__(name: str) -> Any:
    """Import what is heavy once it is asked for."""
    if name in __all__:
        from infer import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
