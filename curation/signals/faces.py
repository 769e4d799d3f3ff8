"""Faces of people: places that BlazeFace finds and the face mesh takes for faces as well.

Either alone fires on animals, fruit and instruments. Not seen are most profiles, turned and covered
faces, those under about 4 % of the long side, and most that are drawn; dolls and statues are.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from curation.networks import faces as networks
from curation.signals.regions import REGIONS, UNIT, rectangle, region
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, Settings, signal

SIDE = 512  # pixels of the short side: faces of a group still have some 20


class FacesSettings(Settings):
    """Both networks are at least so sure, 0 to 1."""

    score: float = 0.5


@signal(
    tier="model",
    version=1,
    columns={
        "faces": Column(pa.int32(), "count from 0", "faces, from brows to chin"),
        "face_area": Column(pa.float32(), "share 0 to 1", "area of the largest face"),
        "face_height": Column(
            pa.float32(), "share 0 to 1", "height of the largest face, of the short side"
        ),
        "face_regions": Column(REGIONS, UNIT, "faces, and how sure both networks are"),
    },
    settings=FacesSettings,
    short_side=SIDE,
    check=lambda _settings: networks.check(),
)
def faces(settings: FacesSettings) -> Measure:
    """Faces per image. Raises ``MissingModelError``."""
    finder = networks.FaceFinder()

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        return [_measured(row, finder, settings.score) for row in rows]

    return measure


def _measured(row: Row, finder: networks.FaceFinder, score: float) -> dict[str, Any]:
    picture = row.picture(SIDE)
    height, width = picture.rgb.shape[:2]
    seen = [
        face.within(width, height)
        for face in finder.faces(picture.rgb, score)
        if face.mesh >= score
    ]
    largest = max(seen, key=lambda face: face.width * face.height, default=None)
    return {
        "faces": len(seen),
        "face_area": largest.width * largest.height / (width * height) if largest else 0.0,
        "face_height": largest.height / min(width, height) if largest else 0.0,
        "face_regions": [
            region(
                picture.header,
                (height, width),
                rectangle(face.left, face.top, face.right, face.bottom),
                "face",
                None,
                min(face.score, face.mesh),
            )
            for face in seen
        ],
    }
