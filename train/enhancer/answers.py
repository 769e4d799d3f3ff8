"""What a language model answers, as a prompt: without what it thought or said before it."""

import re

from curation.shard.quotations import EVERY

_THOUGHT = re.compile(r"\A.*</think>", re.DOTALL)  # templates may hold the beginning back
_PREAMBLE = re.compile(
    r"\A(?:(?:sure|certainly|of course|okay|here)\b[\w ,!.'’]{0,60}\bprompt"
    r"|[\w，！!]{0,20}后的提示词)[:：]\s*",
    re.IGNORECASE,
)
_BREAKS = re.compile(r"\s*[\r\n]\s*")


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
