"""What the instruction of an edit is: whether it is one, how long, and in which language.

Forms that no caption should have, such as "make it blue", are what instructions are; refusals,
addresses, names of files and the like are neither.
"""

import re
from collections.abc import Sequence

import pyarrow as pa

from curation.signals.caption_validity import CATEGORIES, VALID, by_patterns, unquoted
from curation.signals.languages import HAN, scripts, split
from curation.signals.pair import Pair
from curation.signals.signal import Column, signal

MISSING = "missing"
LANGUAGES = ("en", "zh", "both", "other")
LONGEST = 20_000  # characters that are looked at
LEAST = 0.15  # of letters in another language that is written: less are names and what is quoted
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORD = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\\W_\u3400-\u9fff]+")
_SPOKEN = {"English": "en", "Chinese": "zh"}
MIXED = "mixed"  # what a source calls the language of a text in both
# What orders say though no caption does, and what is looked at in its place: a label that a credit
# has, too; whether it can be done, what is missing and what not to change, which are no refusals; a
# bare "without".
_ORDERS = (
    (r"\A\W*(?:编辑|修改|指令|任务|edit|task|instruction)[ \t]{0,3}[:：](?=.{0,9}\w)", ""),
    ("能不能|可不可以|能否|可否", "可以"),
    (r"\bmissing (?=parts?\b|pieces?\b|areas?\b|regions?\b|rest\b|half\b|edges?\b|sides?\b)", ""),
    (r"\b(?:do not|don't|don’t|never) (?=change|touch|alter|modify|move)", ""),
    (r"\A\W*without the ", "delete the "),
)
_ORDER = [(re.compile(form, re.IGNORECASE), plain) for form, plain in _ORDERS]


@signal(
    tier="pair",
    version=3,
    columns={
        "instruction_validity": Column(
            pa.string(),
            "a category",
            "valid, or why it is no instruction; missing: nothing, or blanks",
            categories=(MISSING, *(of for of in CATEGORIES if of != "prompt")),
        ),
        "instruction_words": Column(
            pa.int32(), "words from 0", "of the longest instruction; a Chinese character is one"
        ),
        "instruction_language": Column(
            pa.string(), "a category", "en, zh, both or other; null: none", categories=LANGUAGES
        ),
    },
)
def pair_instruction(pair: Pair) -> dict[str, object]:
    """Of several instructions, which say the same, one that is none counts, and the longest."""
    texts = [text[:LONGEST] for text in pair.instructions if text.strip()]
    if not texts:
        return _columns(MISSING, 0, None)
    every = [_validity(text) for text in texts]
    wrong = next((of for of in every if of != VALID), VALID)
    words = max(len(_WORD.findall(text)) for text in texts)
    return _columns(wrong, words, "both" if MIXED in pair.languages else language(texts))


def _columns(validity: str, words: int, spoken: str | None) -> dict[str, object]:
    return {
        "instruction_validity": validity,
        "instruction_words": words,
        "instruction_language": spoken,
    }


def _validity(text: str) -> str:
    for form, plain in _ORDER:
        text = form.sub(plain, text)
    category = by_patterns(text)
    return VALID if category == "prompt" else category


def language(texts: Sequence[str]) -> str:
    """English, Chinese, both in several texts or in one, or any other; quotations do not count."""
    spoken = {of for text in texts for of in _spoken(unquoted(text))}
    if "other" in spoken:
        return "other"
    return spoken.pop() if len(spoken) == 1 else "both"


def _spoken(text: str) -> set[str]:
    counts = scripts(text)
    han, latin = HAN * counts.get("han", 0), counts.get("latin", 0)
    parts = [text]
    if min(han, latin):  # each part for itself: a word of one among the other is no foreign letter
        parts = [_HAN.sub(" ", text), "".join(_HAN.findall(text))]
        if min(han, latin) < LEAST * (han + latin):
            parts = parts[:1] if latin > han else [text]
    return {_SPOKEN.get(split([part]), "other") for part in parts}
