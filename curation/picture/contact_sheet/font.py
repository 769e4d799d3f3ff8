"""A font that has the characters of the captions, found through fontconfig where installed."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont

_NOWHERE = "\U0010ffff"  # a noncharacter: every font answers with its glyph for "missing"
_ASKED_AT_MOST = 2000  # characters in one question to fontconfig


@dataclass(frozen=True)
class Choice:
    """``missing`` are the characters asked for that the font has only boxes for."""

    font: FreeTypeFont
    missing: frozenset[str]


def choose(texts: Iterable[str], size: int) -> Choice:
    """The font with the fewest missing characters: Pillow's own, else fontconfig's best match.

    ``size`` is in pixels. Never fails: without fontconfig, or without a font for the script, the
    captions keep boxes and ``missing`` says for which characters.
    """
    wanted = frozenset(character for text in texts for character in text if not character.isspace())
    best = _judged(_built_in(size), wanted)
    if best.missing:
        candidate = _matching(sorted(wanted), size)
        if candidate is not None:
            best = min(best, _judged(candidate, wanted), key=lambda choice: len(choice.missing))
    return best


def _built_in(size: int) -> FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType; install the registry's Pillow wheel")
    return font


def _judged(font: FreeTypeFont, wanted: frozenset[str]) -> Choice:
    box = bytes(font.getmask(_NOWHERE))
    missing = frozenset(character for character in wanted if bytes(font.getmask(character)) == box)
    return Choice(font, missing)


def _matching(characters: list[str], size: int) -> FreeTypeFont | None:
    points = " ".join(f"{ord(character):x}" for character in characters[-_ASKED_AT_MOST:])
    try:
        answer = subprocess.run(
            ["fc-match", "-f", "%{file}\n%{index}", f"sans:charset={points}"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        ).stdout
        file, _, index = answer.partition("\n")
        return ImageFont.truetype(
            file, size, index=int(index or 0) & 0xFFFF, layout_engine=ImageFont.Layout.BASIC
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
