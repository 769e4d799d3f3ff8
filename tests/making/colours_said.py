"""The names of colours in a caption, each whole: pale blue is not blue."""

import re

from curation.picture.colours import COLOURS
from synthesis.sample import Sample


def colours_said(sample: Sample) -> list[str]:
    """The English names of the colours the caption says outside of its text, in their order."""
    language = "zh" if sample.language.startswith("zh") else "en"
    known = {one.name(language): one.english for one in COLOURS.values()}
    longest_first = sorted(known, key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    pattern = rf"\b(?:{words})\b" if language == "en" else words
    rest = sample.caption.replace(sample.text, "").lower()
    return [known[name] for name in re.findall(pattern, rest)]
