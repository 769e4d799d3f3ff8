"""What an enhanced prompt has to be: pure functions of the prompt and of what a model answered.

Every text that the prompt quotes stands in it verbatim, in the same order, and nothing else is
quoted: an image model writes what is quoted. Script and language are kept, and it is not much
longer.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator

from curation.shard.quotations import EVERY, MARK, prose, spans
from curation.shard.scripts import script

LONGEST = 4000  # characters of a prompt, of which a text encoder of Qwen reads 1,024 tokens
_MORE = 1200  # characters by which a prompt may grow
_THINKS = "<think>"  # a model that thinks aloud
_REFUSAL = re.compile(
    r"\A\W*(?:(?:(?:i['’]m|i am|we['’]re|we are) )?(?:(?:so|very) )?sorry\b|i apologi[sz]e\b"
    r"|as an ai\b|i (?:can['’]t|cannot|can not|won['’]t)\b|i(?:['’]m| am) (?:unable|not able)\b"
    r"|(?:很|非常)?抱歉|对不起|我(?:无法|不能)|作为.{0,6}(?:ai|人工智能))",
    re.IGNORECASE,
)
_NO_TEXT = ("Cc", "Co", "Cs")
# Of a text its language, and how sure that is: ``curation.networks.languages``.
Language = Callable[[str], tuple[str, float]]
# Of 1,120 English prompts (OneIG-Bench) none was surely another language by its first five words.
_SURE = 0.7
# Scripts of one language. Japanese in ideographs alone looks Chinese to who tells them apart.
_OF_ONE = ("HIRAGANA", "HANGUL")
_ALIKE = ({"da", "nb", "nn", "no"}, {"bs", "hr", "sr", "sr-Latn"}, {"id", "ms"})  # as one
_SHOWN = 60  # characters of a text in a sentence about it


def faults(prompt: str, enhanced: str, language: Language | None = None) -> list[str]:
    """Why an enhanced prompt cannot stand for the prompt, a sentence each; none where it can. The
    language is known by the script alone where nothing says it.
    """
    own = [*_texts(prompt, enhanced), *_form(prompt, enhanced), *_kind(prompt, enhanced)]
    return own or [*_spoken(prompt, enhanced, language)]


def _texts(prompt: str, enhanced: str) -> Iterator[str]:
    asked, written = spans(prompt, EVERY), spans(enhanced, EVERY)
    missing, added = Counter(asked) - Counter(written), Counter(written) - Counter(asked)
    if missing:
        yield f"it does not quote {_shown(missing)} as the prompt does"
    if added:
        yield f"it quotes {_shown(added)}, which the prompt does not"
    if not missing and not added and asked != written:
        yield "it quotes texts in another order than the prompt"
    stray = Counter(MARK.findall(prose(enhanced, EVERY)))
    if stray - Counter(MARK.findall(prose(prompt, EVERY))):
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


def _spoken(prompt: str, enhanced: str, language: Language | None) -> Iterator[str]:
    if language is None or script(prompt) in _OF_ONE:  # ``_form`` has seen to it
        return
    (before, sure), (after, as_sure) = (language(prose(each, EVERY)) for each in (prompt, enhanced))
    is_same = before == after or any({before, after} <= alike for alike in _ALIKE)
    if min(sure, as_sure) >= _SURE and not is_same:
        yield f"its language is {after}; expected {before}, as that of the prompt"


def _shown(texts: Counter[str]) -> str:
    text = next(iter(texts))
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
