"""The fused caption: a recaption with the world knowledge of the raw caption merged in, by rule.

Only what the raw caption says and nobody could see is added: names, and text that it quotes. It is
added as what the source says, in a sentence of its own; nothing else of the raw caption is taken,
and where nothing is worth adding the fused caption is the recaption.
"""

import re
from collections.abc import Sequence

from captioning.quotes import agreement, plain, quotes
from curation.shard.quotations import prose

MOST = 3  # names that are added
ENDS = frozenset(".!?。！？…")
_NAME = re.compile(
    r"(?<![.!?]\s)(?<!^)\b(?:[A-Z][\w'’-]+)(?:\s+(?:(?:of|the|de|la|van|von|di|da)\s+)?[A-Z][\w'’-]+)*"
)
# A noun after it: "Egyptian cat", "Swiss Mountain dog" are kinds, and no names.
_QUALIFIES = re.compile(
    r"\s+(?!(?:a|an|and|are|as|at|before|behind|beside|by|during|for|from|has|have|holding|in|is|near|of|"
    r"on|or|over|performing|plays|playing|sits|sitting|stands|standing|the|to|under|was|were|while|"
    r"who|with)\b)[a-z]"
)
_NO_NAME = re.compile(
    r"(?i)\b(?:https?|www|com|jpe?g|png|stock|photos?|images?|pictures?|free|buy|sale|price|shop|"
    r"download|vector|royalty|getty|shutterstock|alamy|istock|january|february|march|april|may|june|"
    r"july|august|september|october|november|december|monday|tuesday|wednesday|thursday|friday|"
    r"saturday|sunday)\b"
)
_TITLED = re.compile(r"《([^》]{1,30})》")
_SENTENCE = {"en": "The source names {names}.", "zh": "来源中提到{names}。"}
_QUOTING = {"en": "Its source quotes {names}.", "zh": "来源中引用了{names}。"}


def names(text: str) -> list[str]:
    """Names in a raw caption: words in capitals within a sentence, and titles in 《》."""
    said = prose(text)
    if said.isupper() or _is_title_case(said):
        return [*_TITLED.findall(said)]
    matches = [match for match in _NAME.finditer(said) if not _QUALIFIES.match(said[match.end() :])]
    every = [*(match.group() for match in matches), *_TITLED.findall(said)]
    return [name for name in dict.fromkeys(every) if not _NO_NAME.search(name) and len(name) > 1]


def _is_title_case(text: str) -> bool:
    """Where Every Word Is Written So, capitals say nothing."""
    words = [word for word in re.findall(r"[A-Za-z][\w'’-]*", text) if len(word) > 3]
    return len(words) > 3 and sum(word[0].isupper() for word in words) > 0.8 * len(words)


def merged(recaption: str, language: str, raw: Sequence[str], lines: Sequence[str]) -> str:
    """The fused caption of a recaption in a language, of raw captions and lines of text read.

    A text that a raw caption quotes is added only where it was read in the image, too.
    """
    known = plain(recaption)
    new = [name for text in raw for name in names(text) if plain(name) not in known]
    said = [span for text in raw for span in quotes(text) if plain(span) not in known]
    seen = [span for span in said if not agreement(f'"{span}"', lines).invented]
    parts = [recaption]
    for template, texts in ((_SENTENCE, new), (_QUOTING, [f'"{span}"' for span in seen])):
        if texts:
            joined = _joined([*dict.fromkeys(texts)][:MOST], language)
            parts.append(template[language].format(names=joined))
    if len(parts) > 1 and recaption[-1:] not in ENDS:
        parts[0] += "。" if language == "zh" else "."
    return ("" if language == "zh" else " ").join(parts)


def _joined(texts: Sequence[str], language: str) -> str:
    *first, last = texts
    if not first:
        return last
    return ("、".join(first) + "和" if language == "zh" else ", ".join(first) + " and ") + last
