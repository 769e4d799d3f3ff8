"""Captions of one text on a plain background: a fixed pattern, its slots filled."""

from collections.abc import Mapping
from random import Random

from synthesis.captions import sentences
from synthesis.captions.grammar import capitalised, ends_a_sentence, quoted, with_article
from synthesis.captions.patterns import PATTERNS
from synthesis.description import Description, Writing

_WRITTEN: Mapping[str, Mapping[Writing, tuple[str, str]]] = {
    "en": {"printed": ("printed", "print"), "handwritten": ("handwritten", "handwriting")},
    "zh": {"printed": ("印刷体", "印刷体"), "handwritten": ("手写体", "手写体")},
}
# what a text in another language than its caption's is called
_LANGUAGES = {
    "ja": "Japanese",
    "ko": "Korean",
    "ru": "Russian",
    "uk": "Ukrainian",
    "bg": "Bulgarian",
    "sr": "Serbian",
    "el": "Greek",
    "ar": "Arabic",
    "fa": "Persian",
    "ur": "Urdu",
    "he": "Hebrew",
    "hi": "Hindi",
    "mr": "Marathi",
    "ne": "Nepali",
    "th": "Thai",
    "vi": "Vietnamese",
    "fr": "French",
    "de": "German",
    "es": "Spanish",
    "pt": "Portuguese",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "cs": "Czech",
    "tr": "Turkish",
    "sv": "Swedish",
    "da": "Danish",
    "nb": "Norwegian",
    "no": "Norwegian",
    "fi": "Finnish",
    "hu": "Hungarian",
    "ro": "Romanian",
    "id": "Indonesian",
}


def choose(random: Random, language: str, description: Description, text_language: str) -> str:
    """One of the patterns of ``language`` (en or zh), filled, and the layout told after it."""
    filled = fill(random.choice(PATTERNS[language]), language, description, text_language)
    if description.layout is None:
        return filled
    phrases = sentences.SENTENCES[language]
    layout = random.choice(phrases.layouts).format(layout=description.layout.name(language))
    return filled + phrases.between + layout


def fill(
    pattern: str, language: str, description: Description, text_language: str | None = None
) -> str:
    """The pattern with the description's one text quoted and its colours named."""
    (words,) = description.words
    assert words.ink, "a page is rendered in colours that have names"
    background = ground(language, description)
    written, writing = _WRITTEN[language][description.writing]
    slots = {
        "ink": words.ink.name(language),
        "ground": background,
        "a_ground": with_article(background) if language == "en" else background,
        "written": written,
        "writing": writing,
        "text": "文字" if language == "zh" else english_text(text_language or "en"),
    }
    slots |= {capitalised(name): capitalised(value) for name, value in slots.items()}
    stop = sentences.SENTENCES[language].stop
    if ends_a_sentence(words.text):
        pattern = pattern.replace("{quoted}" + stop, "{quoted}")
    return pattern.format(quoted=quoted(language, words.text), **slots)


def ground(language: str, description: Description) -> str:
    """The background in words, without an article: its colour, gradient and texture."""
    assert description.background, "a page is rendered in colours that have names"
    colour = description.background.name(language)
    texture = description.texture.name(language) if description.texture else None
    if language == "zh":
        plain = f"{colour}{'渐变' if description.gradient else ''}背景"
        return f"带有{texture}的{plain}" if texture else plain
    plain = f"{colour} gradient background" if description.gradient else f"{colour} background"
    return f"{plain} with {texture}" if texture else plain


def english_text(language: str) -> str:
    """``text``, for other languages than English with its name: ``Korean text``."""
    name = _LANGUAGES.get(language.split("-", maxsplit=1)[0])
    return f"{name} text" if name else "text"
