"""What a text quotes: pairs of quotation marks, and what stands between them."""

import re

# '...' only where no letter stands beside it: else "I'm sorry, but I can't" quotes "m sorry, ...".
# " after a digit is inches: else a poster of 24" x 36" quotes " x 36".
_USUAL = (
    *(r'(?<!\d)"([^"]+)"', "“([^”]+)”", "「([^」]+)」", "『([^』]+)』"),
    *(r"(?<!\w)'([^']+)'(?!\w)", r"(?<!\w)‘([^’]+)’(?!\w)"),
)
_OTHERS = (
    *("„([^“”]+)[“”]", "«([^»]+)»", "»([^«]+)«", "‹([^›]+)›", "＂([^＂]+)＂"),
    "〝([^〞〟]+)[〞〟]",
)
_APOSTROPHES = (  # of a word that is quoted end no quotation: 'Don't walk'
    r"(?<!\w)'((?:[^']|(?<=\w)'(?=\w))+)'(?!\w)",
    r"(?<!\w)‘((?:[^’]|(?<=\w)’(?=\w))+)’(?!\w)",
)
_SAME = (r"(?<!\d)”([^”]+)”",)  # Swedish and Finnish, and only where no other pair has the mark
USUAL = re.compile("|".join(_USUAL))  # of English and Chinese captions
EVERY = re.compile("|".join((*_APOSTROPHES, *_USUAL, *_OTHERS, *_SAME)))  # of any language's

MARK = re.compile('["“”„‟«»‹›「」『』＂〝〞〟‘‚‛]')  # of no pair that is known
_UNCLEAR = re.compile(rf"(?<!\d){MARK.pattern}")  # after a digit it is inches


def spans(text: str, marks: re.Pattern[str] = USUAL) -> list[str]:
    """What stands between quotation marks, in its order, as it is."""
    return [next(of for of in match.groups() if of is not None) for match in marks.finditer(text)]


def prose(text: str, marks: re.Pattern[str] = USUAL) -> str:
    """The text with a space for each of its quotations."""
    return marks.sub(" ", text)


def is_unclear(text: str) -> bool:
    """Whether a quotation mark has no pair that is known: what is quoted cannot be told."""
    return bool(_UNCLEAR.search(prose(text, EVERY)))
