"""What a prompt asks to be written, and the frame around it."""

import re

_QUOTED = re.compile('"([^"]*)"|“([^”]*)”|「([^」]*)」')


def quoted(prompt: str) -> list[str]:
    """The texts inside quotation marks, in order."""
    return [next(filter(None, match.groups()), "") for match in _QUOTED.finditer(prompt)]


def frame(prompt: str) -> str:
    """The prompt with its quotations emptied: all that is not to be written."""
    return _QUOTED.sub('""', prompt)
