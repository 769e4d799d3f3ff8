"""What a prompt says outside of what it quotes."""

import re

from curation.shard.quotations import EVERY, prose, spans

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by for from has have in into is it its of on or over show shows"
        " showing that the there this to under was were which with image picture photo please some",
    )
)


def content(prompt: str) -> tuple[str, ...]:
    """The distinct words that say something, in small letters and in order. A text in Chinese has
    its characters in place of words.
    """
    text = prose(prompt, EVERY)
    words: list[str] = []
    for run in _WORD.findall(text.casefold()):
        han = _HAN.findall(run)
        words += han if han else [run] * (run not in _EMPTY)
    return tuple(dict.fromkeys(words))


def latin(prompt: str) -> tuple[str, ...]:
    """Those of ``content`` that are words of an alphabet, which can be counted as keywords."""
    return tuple(word for word in content(prompt) if not _HAN.match(word))


def says(prompt: str, text: str) -> bool:
    """Whether a prompt has a text: in a quotation, or as words of its own; of Chinese anywhere.
    Case counts for a single character alone, so that "a wall" is no A.
    """
    asked, said = (" ".join(of.split()) for of in (text, prompt))
    if len(asked) > 1:
        asked, said = asked.casefold(), said.casefold()
    if any(asked in of for of in spans(said, EVERY)) or (_HAN.search(asked) and asked in said):
        return True
    return bool(re.search(rf"(?<!\w){re.escape(asked)}(?!\w)", said))


def quoted(prompt: str) -> tuple[str, ...]:
    """What it quotes."""
    return tuple(spans(prompt, EVERY))
