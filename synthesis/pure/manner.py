"""The manner a text is set in, by what it is: sign, short text, prose, page, lines of its own."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from synthesis.image_sizes import Size
from synthesis.pure.scripts import Script, may_be_vertical, script_of
from synthesis.text.layout import Alignment, Setting


class Kind(StrEnum):
    """What a text is: ``LINES`` breaks its own lines (a poem, a menu), ``PAGE`` has paragraphs
    with an empty line between them.
    """

    SIGN = "sign"
    SHORT = "short"
    PROSE = "prose"
    LINES = "lines"
    PAGE = "page"


_LEAST_SHARE = {Kind.SIGN: 0.6, Kind.SHORT: 0.8, Kind.PROSE: 0.75, Kind.LINES: 0.8, Kind.PAGE: 0.9}
_CENTRED = {Kind.SIGN: 0.75, Kind.SHORT: 0.4, Kind.LINES: 0.5, Kind.PROSE: 0.1, Kind.PAGE: 0.0}
_VERTICAL = {Kind.SIGN: 0.14, Kind.SHORT: 0.14, Kind.LINES: 0.2, Kind.PROSE: 0.1, Kind.PAGE: 0.08}
_TALL_FACTOR = 4  # how much more often columns from the right are set on tall canvases


@dataclass(frozen=True)
class Manner:
    """How a text will be set. ``tracking`` is in ems between clusters; ``share_of_largest`` is
    the size as a share of the largest that fits; ``halves`` sets four hanzi in two lines;
    ``vertical`` sets columns from the right.
    """

    kind: Kind
    setting: Setting
    tracking: float
    share_of_largest: float
    halves: bool
    vertical: bool


def kind_of(language: str, text: str) -> Kind:
    """The kind of a text, by its own lines and its length."""
    script = script_of(language)
    if "\n\n" in text:
        return Kind.PAGE
    if "\n" in text:
        return Kind.LINES
    if len(text) <= script.sign_length:
        return Kind.SIGN
    return Kind.SHORT if len(text) <= script.short_length else Kind.PROSE


def choose(random: Random, language: str, text: str, size: Size) -> Manner:
    """A manner for the text on a canvas of that size, chosen by ``random``."""
    kind, script = kind_of(language, text), script_of(language)
    likely = _VERTICAL[kind] * (_TALL_FACTOR if size[1] >= 1.6 * size[0] else 1)
    vertical = may_be_vertical(language) and random.random() < likely
    return Manner(
        kind=kind,
        setting=_choose_setting(random, language, kind, script),
        tracking=_choose_tracking(random, script, text, kind),
        share_of_largest=random.uniform(_LEAST_SHARE[kind], 1.0),
        halves=may_be_vertical(language) and len(text) == 4 and random.random() < 0.5,
        vertical=vertical,
    )


def _choose_setting(random: Random, language: str, kind: Kind, script: Script) -> Setting:
    least, most = script.sign_leading if kind == Kind.SIGN else script.leading
    if kind == Kind.PAGE:
        most = (2 * least + most) / 3  # full pages are set close
    leading = random.uniform(least, most)
    if random.random() < _CENTRED[kind]:
        return Setting("centre", leading)
    start: Alignment = "left"
    if kind == Kind.SIGN:
        return Setting(start, leading, block=random.random() < 0.5)
    long = kind in {Kind.PROSE, Kind.PAGE}
    down = 0.0 if long and random.random() < 0.25 else 0.5
    justified = long and (script.justified or random.random() < 0.15)
    block = random.random() < 0.6 or kind == Kind.PAGE
    return Setting("justified" if justified else start, leading, down, block)


def _choose_tracking(random: Random, script: Script, text: str, kind: Kind) -> float:
    if kind == Kind.PAGE:
        return 0.0
    if script.justified:
        wide = 0.2 if kind == Kind.SIGN else 0.0
        return random.choice((0.0, 0.0, 0.04, 0.08, wide))
    capitals = script.has_capitals and text.isupper()
    return random.choice((0.0, 0.04, 0.1)) if capitals else 0.0
