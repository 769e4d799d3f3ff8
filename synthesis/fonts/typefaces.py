"""A face as Skia renders it."""

from functools import cache

import skia

from curation.failures.errors import UsageError
from synthesis.fonts.font_file import FontFile


def typeface(file: FontFile) -> skia.Typeface:
    """What Skia renders with. Raises ``UsageError`` if it cannot."""
    loaded = _manager().makeFromFile(file.path, file.index)
    if loaded is None:
        raise UsageError(f"{file.path}: Skia cannot load face {file.index}")
    return loaded


@cache
def _manager() -> skia.FontMgr:
    """FreeType alone: files by their path, without asking (or starting) fontconfig."""
    return skia.FontMgr.New_Custom_Empty()
