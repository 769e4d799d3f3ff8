"""Degradations: captions made worse as people's prompts are, one small function each, by rules.

All work on masked captions (``train.enhancer.masking``), so that quotations stay, in their order.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random

from train.enhancer.masking import SIGN, joined, sentences, tidied
from train.enhancer.words import Words, any_of, pattern

# A masked caption made worse; itself where there is nothing of that kind in it.
Degradation = Callable[[str, Words, Random], str]
_CLAUSES = ",;，；"
_LONGEST = 8  # words of a sentence without a comma that is simplified


def drops(aspect: str) -> Degradation:
    """Drop what is said of an ``aspect``: sentences about it but for the first, clauses of others,
    and phrases; never one with a quotation.
    """

    def drop(caption: str, words: Words, _: Random) -> str:
        about = any_of(words.aspects[aspect].words)
        first, *others = sentences(caption) or [caption]
        kept = [first, *(each for each in others if SIGN.search(each) or not about.search(each))]
        kept = [joined_clauses(each, about.search) for each in kept]
        for phrase in map(pattern, words.aspects[aspect].phrases):
            kept = [phrase.sub(_unless_quoted, each) for each in kept]
        changed = joined([tidied(each) for each in kept if tidied(each).strip(".。")])
        return changed if any(map(str.isalnum, changed)) or SIGN.search(changed) else caption

    return drop


def joined_clauses(sentence: str, is_about: Callable[[str], object]) -> str:
    """A sentence without its clauses about something, but for the first and those that quote."""
    kept, end = "", sentence[-1:] if sentence[-1:] in ".!?。！？" else ""
    for number, clause in enumerate(_clauses(sentence.removesuffix(end))):
        if number == 0 or SIGN.search(clause) or not is_about(clause):
            kept += clause
    return kept + end


def _clauses(sentence: str) -> Iterator[str]:
    """Its parts, each with the comma before it."""
    start = 0
    for place, character in enumerate(sentence):
        if character in _CLAUSES and place > start:
            yield sentence[start:place]
            start = place
    yield sentence[start:]


def _unless_quoted(match: object) -> str:
    text = str(match[0])  # type: ignore[index]
    return text if SIGN.search(text) else ""


def simplify(caption: str, words: Words | None, _: Random) -> str:
    """The first sentence and those that quote, each up to its first comma behind what it quotes, or
    to its first words.
    """
    first, *others = sentences(caption) or [caption]
    joining = any_of(words.function).fullmatch if words else lambda word: None
    return joined([_head(each, joining) for each in (first, *filter(SIGN.search, others))])


def _head(sentence: str, is_joining: Callable[[str], object]) -> str:
    end = sentence[-1:] if sentence[-1:] in ".!?。！？" else ""
    parts = list(_clauses(sentence.removesuffix(end)))
    last = max((n for n, part in enumerate(parts) if SIGN.search(part)), default=0)
    head = "".join(parts[: last + 1])
    if not SIGN.search(head):
        some = head.split(" ")[:_LONGEST]
        while len(some) > 1 and is_joining(some[-1]):  # what they join is gone
            some.pop()
        head = " ".join(some)
    return head + end


def colloquial(caption: str, words: Words, random: Random) -> str:
    """As people ask: without what only frames a description, a capital and a full stop."""
    text = _unframed(caption, words).rstrip(".。")
    if text[:1].isupper() and not text[1:2].isupper():
        text = text[0].lower() + text[1:]
    return random.choice(words.casual).format(text)


def terms(caption: str, words: Words, _: Random) -> str:
    """Words alone, without those that only join them and without full stops."""
    text = any_of(words.function).sub(" ", _unframed(caption, words))
    return words.joint.join(text.translate(_POINTS).split()).lower()


_POINTS = {ord(mark): " " for mark in ".,;:!?。，；：！？、"}


def _unframed(caption: str, words: Words) -> str:
    for frame in map(pattern, words.framing):
        caption = frame.sub("", caption)
    return tidied(caption)


ASPECTS = ("light", "texture", "layout", "background")
DEGRADATIONS: Mapping[str, Degradation] = {  # in the order in which they are taken
    **{f"no_{aspect}": drops(aspect) for aspect in ASPECTS},
    "simplified": simplify,
    "colloquial": colloquial,
    "terms": terms,
}
