"""Where a text may curve on a sheet: over an emblem, or along an arched edge."""

import math
from dataclasses import dataclass
from random import Random

from synthesis.scene import emblems
from synthesis.scene.emblems import Emblem
from synthesis.text import paths, scripts
from synthesis.text.block import Block, Typography
from synthesis.unrenderable import UnrenderableError

_LONGEST = 24  # characters
_RISE = 0.37  # ems from the baseline to the middle of letters
_ARCH_SPAN = 158.0  # degrees


@dataclass(frozen=True)
class Arc:
    """The middles of letters are ``radius`` pixels from ``centre``, over at most ``span`` degrees,
    at most ``largest`` pixels per em. ``share`` of the texts that can curve do; ``emblem`` is then
    printed too.
    """

    centre: tuple[float, float]
    radius: float
    span: float
    largest: float
    share: float
    emblem: Emblem


def over_emblem(
    random: Random,
    width: int,
    height: int,
    crown: tuple[float, float],
    reach: float,
    share: float,
) -> Arc:
    """An arc with its top at ``crown`` that goes ``reach`` pixels to either side, an emblem below.

    ``width`` and ``height`` are those of the sheet.
    """
    radius = random.uniform(1.15, 2.0) * reach
    below = crown[0], crown[1] + random.uniform(0.86, 0.92) * reach
    emblem = emblems.choose(random, width, height, below, 0.32 * reach)
    span = 2 * math.degrees(math.asin(0.97 * reach / radius))
    return Arc((crown[0], crown[1] + radius), radius, span, 0.42 * reach, share, emblem)


def along_arch(
    random: Random,
    size: tuple[int, int],
    centre: tuple[float, float],
    radius: float,
    drop: float,
    share: float,
) -> Arc:
    """The inside of an arched top around ``centre``, an emblem ``drop`` pixels below it.

    ``size`` is the width and the height of the sheet.
    """
    middle = centre[0], centre[1] + drop
    emblem = emblems.choose(random, *size, middle, random.uniform(0.5, 0.58) * radius)
    return Arc(centre, radius, _ARCH_SPAN, 0.33 * radius, share, emblem)


def curves(text: str) -> bool:
    """Whether a text can curve: it is one short line of letters that do not join."""
    joined = any(scripts.script_of(character) in scripts.JOINED for character in text)
    return "\n" not in text and len(text) <= _LONGEST and not joined


def on_arc(random: Random, text: str, typography: Typography, arc: Arc, least: int) -> Block:
    """The text on the arc, about as large as it may be, ``least`` pixels per em or more.

    Raises ``UnrenderableError``: ``does_not_fit``, or why no face can render it.
    """
    span = math.radians(arc.span)
    widest = span * arc.radius / (paths.length(text, typography) + _RISE * span)
    size = int(min(widest, arc.largest) * random.uniform(0.88, 1.0))
    if size < least:
        raise UnrenderableError("does_not_fit", f"at {least} px on an arc of {arc.radius:.0f} px")
    return paths.on_arc(text, typography, size, arc.centre, arc.radius - _RISE * size)
