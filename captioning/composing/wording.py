"""Facts in words: caption, image type and image style, in English or Chinese; nothing else.

Several wordings and lengths say the same; which is taken is the caller's choice, by number.
"""

from captioning.composing import chinese, english
from captioning.composing.facts import Facts
from captioning.prompting import Language

LENGTHS = 3
_STYLES = {
    "photograph": ("photographic", "摄影"),
    "graphic": ("flat", "平面"),
    "image": ("not determined", "未判定"),
}
_GREY_STYLE = ("black and white", "黑白")


def caption(facts: Facts, language: Language, length: int, wording: int) -> str:
    """``length`` 0 is a phrase, 1 a sentence, 2 one sentence for each thing that is known; higher
    ones begin anew. ``wording`` is any number from 0.
    """
    grammar = chinese.Chinese(facts) if language == "zh" else english.English(facts)
    return (grammar.phrase, grammar.sentence, grammar.sentences)[length % LENGTHS](wording)


def image_type(facts: Facts, language: Language) -> str:
    """As far as the pixels say it."""
    medium = facts.looks.medium
    return chinese.NOUNS[medium] if language == "zh" else medium


def image_style(facts: Facts, language: Language) -> str:
    """As far as the pixels say it."""
    style = _GREY_STYLE if facts.looks.is_grey else _STYLES[facts.looks.medium]
    return style[language == "zh"]
