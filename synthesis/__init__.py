"""Text rendering: corpus text rendered into samples with captions and boxes that are true.

``synthesis.render_images`` is ``python -m synthesis.render`` for who writes Python:
``docs/python.md``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthesis.api import Rendering, render_images

__all__ = ["Rendering", "render_images"]


def __getattr__(name: str) -> Any:
    """Import what is heavy once it is asked for."""
    if name in __all__:
        from synthesis import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
