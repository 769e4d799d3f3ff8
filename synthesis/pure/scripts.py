"""How a language's texts are set, by the class of its script: sizes, leading, lengths of lines.

Ranges are typographers' habits: 45 to 90 letters a line or 15 to 45 hanzi; tight leading for
signs, more for prose, more again for hanzi and for scripts with marks above and below.
"""

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Script:
    """Lengths in characters, leadings and advances in ems.

    ``advance`` is that of a usual character; ``line`` the least and most characters of a line of
    prose; ``least_measure`` the ems below which a wrapped sign and a wrapped text are not set
    larger; ``worth_phrases`` how much of the size breaking at phrases may cost.
    """

    sign_length: int
    short_length: int
    sign_leading: Range
    leading: Range
    advance: float
    line: tuple[int, int]
    largest_share: float  # of the canvas's short side
    least_measure: Range
    worth_phrases: float
    justified: bool = False
    has_capitals: bool = False


ALPHABET = Script(28, 90, (1.1, 1.3), (1.22, 1.5), 0.5, (45, 90), 0.3, (4, 8), 0.62, False, True)
HAN = Script(12, 34, (1.25, 1.5), (1.4, 1.8), 1.0, (15, 45), 0.34, (4, 8), 0.6, justified=True)
HANGUL = Script(14, 44, (1.2, 1.45), (1.35, 1.7), 0.85, (20, 50), 0.32, (4, 8), 0.55)
ARABIC = Script(26, 80, (1.35, 1.6), (1.45, 1.8), 0.45, (45, 95), 0.28, (4, 8), 0.62)
STACKED = Script(24, 76, (1.35, 1.6), (1.45, 1.8), 0.52, (40, 85), 0.28, (4, 8), 0.6)
_SCRIPTS = {
    **dict.fromkeys(("zh", "ja"), HAN),
    "ko": HANGUL,
    **dict.fromkeys(("ar", "fa", "ur", "ps", "ug"), ARABIC),
    **dict.fromkeys(("hi", "mr", "ne", "sa", "bn", "ta", "te", "th", "lo", "km", "my"), STACKED),
}
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "ur", "ps", "ug", "he", "yi"})
_VERTICAL = frozenset({"zh", "ja"})


def script_of(language: str) -> Script:
    """The script class of a language, such as ``zh`` or ``zh-Hant``; an alphabet by default."""
    return _SCRIPTS.get(_base(language), ALPHABET)


def is_right_to_left(language: str) -> bool:
    """Whether lines of the language begin on the right."""
    return _base(language) in _RIGHT_TO_LEFT


def may_be_vertical(language: str) -> bool:
    """Whether texts of the language are set in columns from the right, too."""
    return _base(language) in _VERTICAL


def _base(language: str) -> str:
    return language.partition("-")[0]
