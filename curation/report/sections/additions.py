"""What a text says that another does not: the parts of it that were added."""

import re
from difflib import SequenceMatcher

# Words, spaces, and characters that are words by themselves: signs, Han, kana.
_TOKENS = re.compile(r"\s+|[^\W\u3040-\u30ff\u3400-\u9fff]+|.", re.DOTALL)


def additions(text: str, longer: str) -> list[tuple[str, bool]]:
    """``longer`` in parts, each with whether it was added to ``text``; joined they are it again."""
    before, after = _TOKENS.findall(text), _TOKENS.findall(longer)
    parts: list[tuple[str, bool]] = []
    for kind, _, _, start, end in SequenceMatcher(None, before, after, False).get_opcodes():
        if start < end:
            parts.append(("".join(after[start:end]), kind != "equal"))
    return parts
