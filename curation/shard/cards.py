"""Values as cards of data sets and models show them: Markdown that nothing in a value breaks."""

import json
import re

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def code(value: object) -> str:
    """A value as a span of code on one line, which Markdown takes literally, also in a table."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = _UNSAFE.sub("\ufffd", " ".join(text.split())).replace("|", "\\|")
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    inside = f" {text} " if not text or text[0] in "` " or text[-1] in "` " else text
    return f"{fence}{inside}{fence}"
