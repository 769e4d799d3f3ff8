"""The fused caption by a model: a second question about an image, and what of it is believed.

The model is given its own caption, what was read in the image, and the raw captions, all as data.
Such models are known to leak words of their prompt (KALE, arXiv 2411.07461) and to add what nobody
said. So an answer stands only where each of its names and numbers is in one of those texts, where
nothing was lost, and nothing speaks of the question; else the rule of ``fused`` stands.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from captioning import prompting
from captioning.backends.backend import Question
from captioning.checks import in_language
from captioning.parsing import NONE
from captioning.quotes import plain, quotes
from curation.shard.quotations import prose

PROMPT = "fuse"
PROBLEMS = ("invented", "leaked", "lost", "shop_talk", "other_language")
SHORTEST = 0.7  # of the recaption's letters: what is shorter has lost something
_CAPITALISED = re.compile(r"(?<![A-Za-z])[A-Z][A-Za-z]+")
_NUMBER = re.compile(r"\d+")
_TITLE = re.compile(r"《([^》]{1,60})》")
_OPENING = re.compile(r"(?:^|[.!?:;。！？]\s*)[\W_]*$")
_WORDS = (
    "a above across against all along an and another around as at atop behind below beneath beside "
    "between both by during each every five for four from he her here his in inside it its near "
    "next nobody on one only other outside over several she six some the their there these they "
    "this those three through to together toward towards two under underneath while with within"
)
_OPENERS = frozenset(_WORDS.split())  # words in capitals at the beginning of a sentence
_LEAKED = re.compile(
    r"(?i)</?(?:raw|text|caption)>|\b(?:the (?:raw|original|given|provided) (?:caption|text|data)"
    r"|alt text|web ?page|annotat\w+|according to|(?:three|provided|given) texts|instructions?|json"
    r"|image type|abnormal element|watermark list)\b"
    r"|网页|原始描述|原描述|三段文字|发布时|标注|指令|来源|据.{0,6}介绍"
)
_SHOP_TALK = re.compile(
    r"(?i)https?:|www\.|\b\w+\.(?:com|net|org|cn|io|jpe?g|png|webp)\b|[#@]\w|[$€£¥]\s?\d|\d\s?(?:元|usd)"
    r"|\b(?:buy|order|shop|sale|discount|free shipping|royalty)\b|包邮|促销|优惠|购买"
)


@dataclass(frozen=True)
class Given:
    """What there is to fuse: the ``recaption``, ``raw`` captions, and lines of ``text`` read."""

    recaption: str
    raw: Sequence[str]
    text: Sequence[str] = ()

    @property
    def all(self) -> str:
        """All of it."""
        return "\n".join((self.recaption, *self.raw, *self.text))


def question(of: Question, given: Given) -> Question:
    """The second question about an image: the ``recaption`` fused with what is ``given``."""
    prompt = prompting.prompt(PROMPT, of.language)
    turn = prompting.turn(prompt, raw=given.raw, text=given.text, caption=given.recaption)
    return replace(of, turn=turn)


def problem(fused: str, given: Given, language: prompting.Language) -> str:
    """Why a fused caption is not believed, one of ``PROBLEMS``; ``NONE`` where it is."""
    if _adds(_LEAKED, fused, given.recaption):
        return "leaked"
    if _adds(_SHOP_TALK, fused, given.recaption):
        return "shop_talk"
    said = plain(fused)
    if any(plain(span) not in said for span in quotes(given.recaption)):
        return "lost"
    if len(said) < SHORTEST * len(plain(given.recaption)):
        return "lost"
    if in_language(prose(fused), language) < min(0.5, in_language(given.recaption, language)):
        return "other_language"
    return "invented" if _invented(fused, given.all) else NONE


def _adds(pattern: re.Pattern[str], fused: str, recaption: str) -> bool:
    """Whether the fused caption has more of what a pattern tells than the recaption."""
    return len(pattern.findall(fused)) > len(pattern.findall(recaption))


def _invented(fused: str, known: str) -> bool:
    """Whether a name, a title, a number or a quotation in it is in no text that was given.

    Names are known by their capitals; a Chinese one without 《》 is not.
    """
    words = {word.casefold() for word in re.findall(r"[A-Za-z]+", known)}
    for match in _CAPITALISED.finditer(fused):
        word = match.group().casefold()
        if word not in words and not (word in _OPENERS and _OPENING.search(fused[: match.start()])):
            return True
    if not {*_NUMBER.findall(fused)} <= {*_NUMBER.findall(known)}:
        return True
    letters = plain(known)
    spans = (*_TITLE.findall(fused), *quotes(fused))
    return any(plain(span) not in letters for span in spans)
