"""What an enhanced prompt has to be: pure functions of the prompt and of what a model answered.

Every text that the prompt quotes stands in it verbatim, in the same order, and nothing else is
quoted: an image model writes what is quoted. The script is kept, and it is not much longer.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from curation.shard.quotations import EVERY, prose, spans

LONGEST = 4000  # characters of a prompt, of which a text encoder of Qwen reads 1,024 tokens
_MORE = 1200  # characters by which a prompt may grow
_THINKS = "<think>"  # a model that thinks aloud
_THOUGHT = re.compile(r"\A.*</think>", re.DOTALL)  # templates may hold the beginning back
_PREAMBLE = re.compile(
    r"\A(?:(?:sure|certainly|of course|okay|here)\b[\w ,!.'’]{0,60}\bprompt"
    r"|[\w，！!]{0,20}后的提示词)[:：]\s*",
    re.IGNORECASE,
)
_BREAKS = re.compile(r"\s*[\r\n]\s*")
_MARK = re.compile('["“”„‟«»‹›「」『』＂〝〞〟‘‚‛]')  # of no pair that is known
_UNCLEAR = re.compile(rf"(?<!\d){_MARK.pattern}")  # after a digit it is inches
_REFUSAL = re.compile(
    r"\A\W*(?:(?:(?:i['’]m|i am|we['’]re|we are) )?(?:(?:so|very) )?sorry\b|i apologi[sz]e\b"
    r"|as an ai\b|i (?:can['’]t|cannot|can not|won['’]t)\b|i(?:['’]m| am) (?:unable|not able)\b"
    r"|(?:很|非常)?抱歉|对不起|我(?:无法|不能)|作为.{0,6}(?:ai|人工智能))",
    re.IGNORECASE,
)
_IDEOGRAPHIC = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
_LETTERS = 3  # of an alphabet that say as much as one of a script with thousands of signs
_NO_TEXT = ("Cc", "Co", "Cs")
_SHOWN = 60  # characters of a text in a sentence about it


def cleaned(answer: str) -> str:
    """An answer without what a model thought or said before it, and on one line but for what is
    quoted.
    """
    text = _PREAMBLE.sub("", _THOUGHT.sub("", answer).strip())
    kept, last = list[str](), 0
    for match in EVERY.finditer(text):
        kept += [_BREAKS.sub(" ", text[last : match.start()]), match[0]]
        last = match.end()
    return "".join([*kept, _BREAKS.sub(" ", text[last:])])


def is_unclear(prompt: str) -> bool:
    """Whether a quotation mark has no pair that is known: what is quoted cannot be told."""
    return bool(_UNCLEAR.search(prose(prompt, EVERY)))


def faults(prompt: str, enhanced: str) -> list[str]:
    """Why an enhanced prompt cannot stand for the prompt, a sentence each; none where it can."""
    return [*_texts(prompt, enhanced), *_form(prompt, enhanced), *_kind(prompt, enhanced)]


def _texts(prompt: str, enhanced: str) -> Iterator[str]:
    asked, written = spans(prompt, EVERY), spans(enhanced, EVERY)
    missing, added = Counter(asked) - Counter(written), Counter(written) - Counter(asked)
    if missing:
        yield f"it does not quote {_shown(missing)} as the prompt does"
    if added:
        yield f"it quotes {_shown(added)}, which the prompt does not"
    if not missing and not added and asked != written:
        yield "it quotes texts in another order than the prompt"
    stray = Counter(_MARK.findall(prose(enhanced, EVERY)))
    if stray - Counter(_MARK.findall(prose(prompt, EVERY))):
        yield "it has a quotation mark without its pair"


def _form(prompt: str, enhanced: str) -> Iterator[str]:
    most = max(len(prompt), min(LONGEST, len(prompt) + _MORE))
    if not enhanced.strip():
        yield "it is empty"
    if len(enhanced) > most:
        yield f"it has {len(enhanced):,} characters; expected at most {most:,}"
    if any(unicodedata.category(each) in _NO_TEXT for each in set(enhanced) - set(prompt)):
        yield "it has characters that are none of a text"
    before, after = script(prompt), script(enhanced)
    if before and before != after:
        yield f"it is written in {after or 'no letters'}; expected {before}, as the prompt is"


def _kind(prompt: str, enhanced: str) -> Iterator[str]:
    if _THINKS in enhanced and _THINKS not in prompt:
        yield "it is a thought without an end"
    if _REFUSAL.match(enhanced) and not _REFUSAL.match(prompt):
        yield "it is an answer, and no prompt"


def script(text: str) -> str:
    """The script of most that a text says outside of quotations, such as LATIN or CJK, empty
    without any letter there. Japanese is HIRAGANA.
    """
    counts = _scripts(prose(text, EVERY))
    return max(sorted(counts), key=counts.__getitem__) if counts else ""


def _scripts(text: str) -> Counter[str]:
    counts = Counter[str]()
    for letter in filter(str.isalpha, text):
        name = unicodedata.name(letter, "").partition(" ")[0]
        counts[name] += _LETTERS if name in _IDEOGRAPHIC else 1
    if counts["HIRAGANA"] or counts["KATAKANA"]:
        counts["HIRAGANA"] += counts.pop("CJK", 0) + counts.pop("KATAKANA", 0)
    return +counts


def _shown(texts: Counter[str]) -> str:
    text = next(iter(texts))
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
