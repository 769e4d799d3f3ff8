"""The node of an image that was rendered: its caption is exact and begins with what it is.

"A two-column presentation slide with a white background. ..." is a slide, a photograph of a jar
that bears text is text on an object, and what begins with no thing is a page of text.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from taxonomy import senses
from taxonomy.lexicon import Lexicon, lexicon
from taxonomy.tree import branches, tree

PAGE, SCENE, LAYOUT = "text_page", "text_scene", "text_layout"
DESIGN = "design"
_BRANCHES = frozenset((DESIGN, "art"))
_SAYS = re.compile(r"[\"“「『].*", re.DOTALL)  # from the first quotation on
_FIRST = re.compile(r"[.,]|\bbackground\b|[，。]")
_COLON = re.compile(r"^[^:：]{0,20}[:：]\s*")
_HANZI = re.compile(r"[\u3400-\u9fff]")
_PHOTOGRAPH = re.compile(r"\bphoto|照片|\bclose view\b|\bseen\b", re.IGNORECASE)


def node(texts: Sequence[str], words: Lexicon | None = None) -> int:
    """The node of an image that was rendered, by the first of its captions that names a design."""
    named = [of for text in texts if (of := _design(text, words or lexicon())) is not None]
    if named:
        return named[0]
    openings = [_opening(text) for text in texts]
    if any(_PHOTOGRAPH.search(text) for text in openings):
        return tree().number[SCENE]
    is_layout = any(text.startswith(("A design", "设计图")) for text in texts)
    return tree().number[LAYOUT if is_layout else PAGE]


def _opening(text: str) -> str:
    return _SAYS.sub("", text)


def _design(text: str, words: Lexicon) -> int | None:
    """The design or work of art that a caption begins with, if any.

    Of an English noun phrase the first is its head ("a map with a legend"), of a Chinese one the
    last.
    """
    of_tree = tree()
    clause = _FIRST.split(_COLON.sub("", _opening(text)))[0]
    named = [
        (mention.start, senses.chosen(mention, {})[0].node) for mention in words.mentions(clause)
    ]
    designs = [
        (start, of)
        for start, of in named
        if of_tree.ids[of] != DESIGN
        and any(of_tree.ids[above] in _BRANCHES for above in of_tree.above(of))
    ]
    if not designs:
        designs = [(word.start(), _own()[word.group().lower()]) for word in _words(clause)]
    if not designs:
        return None
    return (max if _HANZI.search(clause) else min)(designs)[1]


@cache
def _own() -> Mapping[str, int]:
    """The words that mean a design where it was rendered, and its node."""
    own = branches().nodes.items()
    return {word: tree().number[name] for name, of in own for word in of.rendered}


def _words(clause: str) -> Iterator[re.Match[str]]:
    """Those words in a clause."""
    words = (re.escape(word) for word in _own())
    plain = (rf"\b{word}\b" if word.isascii() else word for word in words)
    return re.finditer("|".join(plain), clause, re.IGNORECASE)
