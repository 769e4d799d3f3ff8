"""From a line of text to clusters of glyphs, refusing every text that would not show whole."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from synthesis.fonts.face import Font
from synthesis.text import scripts, spacing, vertical
from synthesis.text.clusters import Cluster, Manner, refuse_controls
from synthesis.text.fallback import shape_with

_NO_LIGATURES = ("-liga", "-clig")


def shape(
    fonts: Font | Sequence[Font],
    text: str,
    language: str,
    *,
    ligatures: bool = True,
    columns: bool = False,
) -> tuple[Cluster, ...]:
    """The clusters of one line of text in reading order, full-width punctuation squeezed.

    What the first font lacks is rendered by the next that has it; ``columns`` shapes for vertical
    setting. Raises ``UnrenderableError`` with reason ``control_character``, ``missing_character``
    (not in the font's character map), ``notdef`` (lost in shaping) or ``empty_glyph`` (no ink).
    """
    several = (fonts,) if isinstance(fonts, Font) else tuple(fonts)
    return _shape(several, text, language, () if ligatures else _NO_LIGATURES, columns)


@lru_cache(maxsize=512)
def _shape(
    fonts: tuple[Font, ...], text: str, language: str, features: tuple[str, ...], columns: bool
) -> tuple[Cluster, ...]:
    refuse_controls(text)
    if columns:
        clusters = vertical.shape_columns(fonts, text, language)
    else:
        clusters = _in_rows(fonts, text, language, features)
    return tuple(spacing.spaced(list(clusters), vertical=columns))


def _in_rows(
    fonts: tuple[Font, ...], text: str, language: str, features: tuple[str, ...]
) -> Iterator[Cluster]:
    for item in scripts.items(text, scripts.base_level(language, text)):
        manner = Manner(language, "rtl" if item.level % 2 else "ltr", features)
        yield from shape_with(fonts, item, manner)
