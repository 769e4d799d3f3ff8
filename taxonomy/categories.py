"""Which of three categories an image is put into for balancing: general, portrait, text rendering.

The report names the categories and gives no rules (Qwen-Image, arXiv 2508.02324, 3.2, S6): rules
and bounds are ours. Named in ``pipelines.yaml`` under ``signals: [taxonomy.categories]``, beside
``taxonomy.signals``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from curation.signals.regions import Region
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, SYNTHETIC, Column, Measure, Settings, signal
from taxonomy import domains
from taxonomy.tree import tree

GENERAL, PORTRAIT, TEXT_RENDERING = CATEGORIES = ("general", "portrait", "text_rendering")
SAYS_PORTRAIT = "portrait"  # the node of what calls itself one
MAIN = 0.5  # of the largest face's height: smaller ones are people behind


class CategorySettings(Settings):
    """Text: lines cover so much of the area (``text_area``), or have so many ``characters`` in
    lines of ``character_height`` and more, a share of the short side.

    Portraits: the largest face covers ``face_area``, or is ``face_height`` of the short side high,
    and there are at most so many such ``people``.
    """

    text_area: float = 0.05
    characters: int = 20
    character_height: float = 0.025  # x-height of 8 pixels at a short side of 640
    face_area: float = 0.04
    face_height: float = 0.2
    people: int = 2


@signal(
    tier="model",
    version=1,
    columns={
        "category": Column(
            pa.string(), "category", "what the image is to teach", categories=CATEGORIES
        )
    },
    settings=CategorySettings,
    reads=(
        *(CAPTIONS, SYNTHETIC, "short_side", "text_area", "text_regions", "faces", "face_area"),
        *("face_height", "face_regions", "nodes"),
    ),
)
def categories(settings: CategorySettings) -> Measure:
    """The category of each image, by text, faces and nodes that were measured of it."""

    def measure(rows: Sequence[Row]) -> list[dict[str, str]]:
        return [{"category": category(row.columns, settings)} for row in rows]

    return measure


def category(of: Mapping[str, Any], settings: CategorySettings) -> str:
    """One of ``CATEGORIES``: what is rendered is text; of a face and text the larger counts."""
    if of[SYNTHETIC]:
        return TEXT_RENDERING
    is_text, is_portrait = _is_text(of, settings), _is_portrait(of, settings)
    if is_text and is_portrait:
        return TEXT_RENDERING if _known(of, "text_area") > _known(of, "face_area") else PORTRAIT
    return TEXT_RENDERING if is_text else PORTRAIT if is_portrait else GENERAL


def _known(of: Mapping[str, Any], column: str) -> float:
    """A number, 0 where it was not measured."""
    return float(of[column] or 0)


def _is_text(of: Mapping[str, Any], settings: CategorySettings) -> bool:
    if _known(of, "text_area") >= settings.text_area:
        return True
    least = settings.character_height * _known(of, "short_side")
    legible = (line for line in of["text_regions"] or () if _height(line) >= least)
    return sum(len("".join((line["text"] or "").split())) for line in legible) >= (
        settings.characters
    )


def _height(line: Region) -> float:
    """The shorter side of a line, in pixels of the original."""
    quad = np.reshape(line["quad"], (4, 2))
    return float(min(np.hypot(*(quad[1] - quad[0])), np.hypot(*(quad[3] - quad[0]))))


def _is_portrait(of: Mapping[str, Any], settings: CategorySettings) -> bool:
    """Of one or two people, by their faces; or what says so of a person, as of drawn ones."""
    nodes = of["nodes"] or ()
    if SAYS_PORTRAIT in nodes and (_known(of, "faces") or any(map(_is_person, nodes))):
        return True
    large = _known(of, "face_area") >= settings.face_area
    if not large and _known(of, "face_height") < settings.face_height:
        return False
    heights = [region["quad"][5] - region["quad"][1] for region in of["face_regions"] or ()]
    main = [height for height in heights if height >= MAIN * max(heights)]
    return 1 <= len(main) <= settings.people


def _is_person(node: str) -> bool:
    """Whether a node other than that of portraits themselves is of people."""
    return node != SAYS_PORTRAIT and domains.of_node(tree().number[node])[0] == "people"
