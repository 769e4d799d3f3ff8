"""Room between clusters: full-width marks squeezed, hanzi set off from letters."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from synthesis.text.clusters import Cluster

HAN_LATIN_GAP = 0.15  # em between a hanzi and a letter or digit with no space of its own
SQUEEZE = 0.5  # em taken from two full-width punctuation marks in a row
OPENING = frozenset("「『（《〈【〔“‘［｛〖〘︵︷︹︻︽︿﹁﹃")
CLOSING = frozenset("」』）》〉】〕”’］｝〗〙。，、；：！？．︶︸︺︼︾﹀﹂﹄")
_LEAST_ADVANCE = 0.9  # em: narrower marks are not full-width
_FAR_INK, _NEAR_INK = 0.45, 0.55  # where the ink begins or ends if the other half is empty
_HANZI = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
_LETTER = re.compile("[A-Za-z0-9\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff]")


def spaced(clusters: Sequence[Cluster], *, vertical: bool) -> Iterator[Cluster]:
    """The clusters of a line in reading order, their advances changed by what follows them."""
    marked = [_marked(one, vertical) for one in clusters]
    for one, following in zip(marked, [*marked[1:], None], strict=True):
        if following is None:
            yield one
        elif _squeezes(one, following):
            yield replace(one, advance=one.advance - SQUEEZE, trailing=0.0)
        elif _set_off(one, following, vertical):
            yield replace(one, advance=one.advance + HAN_LATIN_GAP, trailing=HAN_LATIN_GAP)
        else:
            yield one


def _marked(one: Cluster, vertical: bool) -> Cluster:
    """The cluster with the empty half of its square told as leading or trailing."""
    if one.ink is None or one.advance < _LEAST_ADVANCE or one.turned:
        return one
    first, last = (one.ink[1], one.ink[3]) if vertical else (one.ink[0], one.ink[2])
    if one.text in CLOSING and last <= _NEAR_INK:
        return replace(one, trailing=SQUEEZE)
    if one.text in OPENING and first >= _FAR_INK:
        return replace(one, leading=SQUEEZE)
    return one


def _squeezes(one: Cluster, following: Cluster) -> bool:
    marks = OPENING | CLOSING
    if one.text not in marks or following.text not in marks:
        return False
    return bool(one.trailing or following.leading)


def _set_off(one: Cluster, following: Cluster, vertical: bool) -> bool:
    if one.level != following.level or (vertical and not (one.turned or following.turned)):
        return False
    left, right = one.text[-1], following.text[0]
    return bool(
        (_HANZI.match(left) and _LETTER.match(right))
        or (_LETTER.match(left) and _HANZI.match(right))
    )
