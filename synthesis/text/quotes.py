"""Which curly quotes of a Chinese text are quotation marks, told by the corner brackets for them.

Corner brackets open and close for sure, and are what columns have (GB/T 15834-2011, 5.2).
"""

import re

LETTER = "A-Za-z0-9\u00c0-\u024f"
_BRACKETS = (
    (re.compile("“"), "『"),
    (re.compile("”"), "』"),
    (re.compile("‘"), "「"),
    (re.compile(f"(?<![{LETTER}])’|’(?![{LETTER}])"), "」"),  # no apostrophes
)


def with_corner_brackets(text: str) -> str:
    """The text with corner brackets in place of its curly quotation marks; as long as before."""
    for pattern, bracket in _BRACKETS:
        text = pattern.sub(bracket, text)
    return text
