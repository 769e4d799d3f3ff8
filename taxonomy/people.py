"""Images of people by their faces: what wears a hat is its wearer, whatever the classes see.

ImageNet has next to no people, so that a portrait's classes are its garments, or the candle in
front of it. Faces that stand out say that an image is of people; which node of people, captions and
classes say, and where they name none, how many there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curation.signals.signal import Settings
from taxonomy import domains
from taxonomy.nodes import FACES, IS_PICTURE, Assigned
from taxonomy.tree import tree

PEOPLE, PORTRAIT, GROUP = "people", "portrait", "group"  # a domain, and nodes
CLOTHES = "n03051540"
DEPICTED = ("art", "design")  # what is drawn, formed or printed stays that
TOYS = "n03964744"  # have faces, too


class StandingOut(Settings):
    """What makes faces stand out: the largest covers ``area``, or is ``height`` of the short side
    high; there are two of ``several``; or the node is of clothes, and a face of ``worn`` is there.
    """

    area: float = 0.04
    height: float = 0.2
    several: float = 0.15
    worn: float = 0.1


@dataclass(frozen=True)
class Faces:
    """The ``heights`` of an image's faces, shares of the short side, the highest first; the
    ``area`` of the largest, a share, and how ``sure`` the surest is of one, 0 to 1.
    """

    heights: tuple[float, ...] = ()
    area: float = 0.0
    sure: float = 0.0


def faces(columns: Mapping[str, Any]) -> Faces:
    """Of the columns of the signal ``faces``; none where it did not look."""
    regions = columns["face_regions"] or ()
    tall = sorted((of["quad"][5] - of["quad"][1] for of in regions), reverse=True)
    if not tall or not tall[0] > 0:
        return Faces()
    highest = float(columns["face_height"] or 0)
    heights = tuple(highest * of / tall[0] for of in tall)
    return Faces(heights, float(columns["face_area"] or 0), max(of["score"] for of in regions))


def of_faces(
    assigned: Assigned, seen: Faces, kinds: Sequence[float], bounds: StandingOut
) -> Assigned:
    """The node of an image by its faces, if they stand out; else as it was ``assigned``.

    Left as they are: pages and screens (``kinds``), what is art or design, what is of people
    anyhow, and toys where captions name no person.
    """
    nodes = tree()
    is_left = _is_below(assigned.node, *DEPICTED) or domains.of_node(assigned.node)[0] == PEOPLE
    if is_left or kinds[0] < IS_PICTURE or not _stand_out(assigned.node, seen, bounds):
        return assigned
    people = [of for of in assigned.nodes if domains.of_node(of)[0] == PEOPLE]
    if not people and any(_is_below(of, TOYS) for of in assigned.nodes):
        return assigned
    large = [height for height in seen.heights if height >= seen.heights[0] / 2]
    node = people[0] if people else nodes.number[GROUP if len(large) > 1 else PORTRAIT]
    every = tuple(dict.fromkeys((*assigned.nodes, node)))
    return Assigned(node, seen.sure, FACES, every)


def _stand_out(node: int, seen: Faces, bounds: StandingOut) -> bool:
    if not seen.heights:
        return False
    if seen.area >= bounds.area or seen.heights[0] >= bounds.height:
        return True
    if len(seen.heights) > 1 and seen.heights[1] >= bounds.several:
        return True
    return seen.heights[0] >= bounds.worn and _is_below(node, CLOTHES)


def _is_below(node: int, *heads: str) -> bool:
    """Whether a node is one of the ``heads``, or below one."""
    nodes = tree()
    return any(nodes.number[head] in nodes.above(node) for head in heads)
