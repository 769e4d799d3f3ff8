"""Room between clusters: full-width marks squeezed, hanzi set off from letters."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from synthesis.text.clusters import CLOSING, OPENING, SQUEEZE, Cluster

HAN_LATIN_GAP = 0.15  # em between a hanzi and a letter or digit with no space of its own
_MARKS = OPENING | CLOSING
_HANZI = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
_LETTER = re.compile("[A-Za-z0-9\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff]")


def spaced(clusters: Sequence[Cluster], *, vertical: bool) -> Sequence[Cluster]:
    """The clusters of a line in reading order, their advances changed by what follows them."""
    text = "".join([cluster.text for cluster in clusters])
    both = _HANZI.search(text) is not None and _LETTER.search(text) is not None
    if not both and not any(cluster.leading or cluster.trailing for cluster in clusters):
        return clusters
    squeezed = [
        _followed(cluster, following, both, vertical) for cluster, following in pairwise(clusters)
    ]
    return [*squeezed, clusters[-1]]


def _followed(cluster: Cluster, following: Cluster, both: bool, vertical: bool) -> Cluster:
    """The cluster as it is before the one that follows; ``both``: there are hanzi and letters."""
    if (cluster.trailing or following.leading) and _are_marks(cluster, following):
        return replace(cluster, advance=cluster.advance - SQUEEZE, trailing=0.0)
    if both and _differ(cluster, following) and _beside(cluster, following, vertical):
        return replace(cluster, advance=cluster.advance + HAN_LATIN_GAP, trailing=HAN_LATIN_GAP)
    return cluster


def _are_marks(cluster: Cluster, following: Cluster) -> bool:
    return cluster.text in _MARKS and following.text in _MARKS


def _differ(cluster: Cluster, following: Cluster) -> bool:
    """Whether one is a hanzi and the other a letter set off from it."""
    return _kind(cluster.text[-1]) * _kind(following.text[0]) < 0


@lru_cache(maxsize=1 << 15)
def _kind(character: str) -> int:
    """1 for a hanzi or kana, -1 for a letter or digit set off from it, 0 for all else."""
    return 1 if _HANZI.match(character) else -1 if _LETTER.match(character) else 0


def _beside(cluster: Cluster, following: Cluster, vertical: bool) -> bool:
    """Whether they stand in one direction, and in a column not both upright."""
    return cluster.level == following.level and (not vertical or cluster.turned or following.turned)
