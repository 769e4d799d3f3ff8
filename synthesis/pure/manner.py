"""The manner a text is set in, chosen by what it is: sign, short text, prose, or lines of its own.

Ranges are typographers' habits: tight leading for signs, more for prose, more again for hanzi.
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from synthesis.text.layout import Setting

_SIGN_LENGTH = {"en": 28, "zh": 12}  # characters
_SHORT_LENGTH = {"en": 90, "zh": 34}
_SIGN_LEADING = {"en": (1.1, 1.3), "zh": (1.25, 1.5)}
_LEADING = {"en": (1.22, 1.5), "zh": (1.4, 1.8)}


class Kind(StrEnum):
    """What a text is: ``LINES`` breaks its own lines (a poem, a menu)."""

    SIGN = "sign"
    SHORT = "short"
    PROSE = "prose"
    LINES = "lines"


_LEAST_SHARE = {Kind.SIGN: 0.6, Kind.SHORT: 0.8, Kind.PROSE: 0.75, Kind.LINES: 0.8}


@dataclass(frozen=True)
class Manner:
    """How a text will be set. ``tracking`` is in ems between clusters; ``share_of_largest`` is
    the size as a share of the largest that fits; ``halves`` sets four hanzi in two lines.
    """

    kind: Kind
    setting: Setting
    tracking: float
    share_of_largest: float
    halves: bool


def kind_of(language: str, text: str) -> Kind:
    """The kind of a text, by its own lines and its length."""
    if "\n" in text:
        return Kind.LINES
    if len(text) <= _SIGN_LENGTH[language]:
        return Kind.SIGN
    return Kind.SHORT if len(text) <= _SHORT_LENGTH[language] else Kind.PROSE


def choose(random: Random, language: str, text: str) -> Manner:
    """A manner for the text, chosen by ``random``."""
    kind = kind_of(language, text)
    return Manner(
        kind=kind,
        setting=_choose_setting(random, language, kind),
        tracking=_choose_tracking(random, language, text, kind),
        share_of_largest=random.uniform(_LEAST_SHARE[kind], 1.0),
        halves=language == "zh" and len(text) == 4 and random.random() < 0.5,
    )


def _choose_setting(random: Random, language: str, kind: Kind) -> Setting:
    leading = random.uniform(*(_SIGN_LEADING if kind == Kind.SIGN else _LEADING)[language])
    centred = {Kind.SIGN: 0.75, Kind.SHORT: 0.4, Kind.LINES: 0.5, Kind.PROSE: 0.1}[kind]
    if random.random() < centred:
        return Setting("centre", leading)
    if kind == Kind.SIGN:
        return Setting("left", leading, block=random.random() < 0.5)
    vertical = 0.0 if kind == Kind.PROSE and random.random() < 0.25 else 0.5
    justified = language == "zh" and kind == Kind.PROSE
    return Setting("justified" if justified else "left", leading, vertical, random.random() < 0.6)


def _choose_tracking(random: Random, language: str, text: str, kind: Kind) -> float:
    if language == "zh":
        wide = 0.2 if kind == Kind.SIGN else 0.0
        return random.choice((0.0, 0.0, 0.04, 0.08, wide))
    return random.choice((0.0, 0.04, 0.1)) if text.isupper() else 0.0
