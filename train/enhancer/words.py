"""How captions and prompts are worded in a language: ``words.yaml`` beside this file, read once."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from curation.strict_yaml import bind, read
from train.kinds import Frozen

QUOTE = "[\ue000-\uf8ff]"  # a quotation, while a caption is worked on: ``train.enhancer.masking``


class Aspect(Frozen):
    """What is said of an aspect, such as light: ``words`` that a sentence about it has, ``phrases``
    of it in others; ``missing`` is the sentence that misses it.
    """

    missing: str
    words: tuple[str, ...]
    phrases: tuple[str, ...]


class Words(Frozen):
    """Of a language: its ``aspects``; words for a ``person``; what only frames a description;
    ``casual`` wordings of a prompt; ``function`` words, without which terms are left, with a
    ``joint`` between them; and what reasoning says of each.
    """

    aspects: Mapping[str, Aspect]
    person: tuple[str, ...]
    framing: tuple[str, ...]
    casual: tuple[str, ...]
    function: tuple[str, ...]
    joint: str
    summary: str
    wording: str
    terms: str
    edit: str
    say: str

    def names_person(self, text: str) -> bool:
        """Whether a text has a word for a person."""
        return bool(any_of(self.person).search(text))


def of_language(language: str) -> Words | None:
    """By a tag such as ``en`` or ``zh-Hans``; None for a language whose words are not known."""
    return _all().get(language.casefold().replace("_", "-").partition("-")[0])


def pattern(text: str) -> re.Pattern[str]:
    """Of a phrase of ``words.yaml``."""
    return re.compile(
        text.replace("{quotes}", QUOTE[1:-1]).replace("{quote}", QUOTE), re.IGNORECASE
    )


@cache
def any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """What is any of the words, of those in Latin letters no part of a longer one."""
    listed = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    is_latin = words[0].isascii()
    return re.compile(rf"\b(?:{listed})\b" if is_latin else listed, re.IGNORECASE)


@cache
def _all() -> Mapping[str, Words]:
    document = read(str(Path(__file__).with_name("words.yaml")))
    return bind(document, dict[str, Words])
