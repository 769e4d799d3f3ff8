"""A paragraph made fit to be rendered: normalised, spaces in order, cut where it is too long."""

import re
import unicodedata

from synthesis.fonts.languages import HAN, LANGUAGES

# About a thousand tokens of a text model, the most a page image shows.
LONGEST = {"wide": 1200, "narrow": 4000}  # characters
_SPACES = re.compile(r"[^\S\n\u3000]+")
_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Controls but tab and line feed, soft hyphens, zero-width spaces and byte order marks. Joiners
# stay: Devanagari, Arabic and emoji are spelled with them.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u2060\ufeff\ufff9-\ufffc]")
_BLANK_LINES = re.compile(r"\n{2,}")
_SENTENCE = re.compile(r"[^.!?…。！？।؟\n]*(?:[.!?…。！？।؟]+[”’»\"')）」』]*\s*|\n|$)")


def clean(text: str) -> str:
    """NFC, without control characters; runs of spaces become one, none at the ends of lines."""
    composed = unicodedata.normalize("NFC", _BREAKS.sub("\n", text))
    lines = _UNSEEN.sub("", composed).split("\n")
    return _BLANK_LINES.sub(
        "\n", "\n".join(_SPACES.sub(" ", line).strip() for line in lines)
    ).strip()


def pieces(text: str, language: str) -> list[str]:
    """The text, or if it is too long for a page its parts, cut between sentences or lines.

    A sentence longer than a page is a part of its own.
    """
    longest = LONGEST["wide" if LANGUAGES[language].script in HAN else "narrow"]
    if len(text) <= longest:
        return [text]
    pages = [""]
    for sentence in _SENTENCE.findall(text):
        if pages[-1] and len(pages[-1]) + len(sentence) > longest:
            pages.append("")
        pages[-1] += sentence
    return [piece for piece in map(str.strip, pages) if piece]
