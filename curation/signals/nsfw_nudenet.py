"""Nudity, by the detector that ships inside the ``nudenet`` wheel (YOLOv8n, 320 pixels, AGPL-3.0).

Violence and other offence are NOT seen by it, nor are sexual acts and poses in which nothing is
bare. Its weights are AGPL-3.0, so that it is a choice, not the default. The model file is run as it
is, one image after the other on one thread: larger batches are no faster on a CPU and take more
memory, and a score cannot depend on the images beside.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.networks import weights
from curation.picture.decoding import SMALL_SIDE, Picture
from curation.signals.row import Row
from curation.signals.signal import Column, Measure, signal

MODEL_FILE = "320n.onnx"
ADVICE = "pip install 'inkstone[nsfw]' (its weights are AGPL-3.0)"
SIDE = 320  # pixels of the model's square input
REPORTED, OVERLAP = 0.25, 0.45  # nudenet's own score threshold and non-maximum suppression
LABELS = (
    "FEMALE_GENITALIA_COVERED",
    "FACE_FEMALE",
    "BUTTOCKS_EXPOSED",
    "FEMALE_BREAST_EXPOSED",
    "FEMALE_GENITALIA_EXPOSED",
    "MALE_BREAST_EXPOSED",
    "ANUS_EXPOSED",
    "FEET_EXPOSED",
    "BELLY_COVERED",
    "FEET_COVERED",
    "ARMPITS_COVERED",
    "ARMPITS_EXPOSED",
    "FACE_MALE",
    "BELLY_EXPOSED",
    "MALE_GENITALIA_EXPOSED",
    "ANUS_COVERED",
    "FEMALE_BREAST_COVERED",
    "BUTTOCKS_COVERED",
)
UNSAFE = (
    "BUTTOCKS_EXPOSED",
    "FEMALE_BREAST_EXPOSED",
    "FEMALE_GENITALIA_EXPOSED",
    "ANUS_EXPOSED",
    "MALE_GENITALIA_EXPOSED",
)
UNSAFE_NUMBERS = frozenset(LABELS.index(label) for label in UNSAFE)


def _file() -> Path:
    weights.need(ADVICE, "onnxruntime")
    return weights.packaged("nudenet", MODEL_FILE, ADVICE)


def _check(_settings: object) -> None:
    """Raises ``MissingModelError`` where a package is missing."""
    _file()


@signal(
    tier="model",
    version=1,
    columns={
        "nsfw_nudenet": Column(
            pa.float32(), "score 0 to 1", "highest score of an exposed body part; 0 below 0.25"
        )
    },
    check=_check,
)
def nsfw_nudenet() -> Measure:
    """Highest score per image over nudenet's exposed-* classes that are unsafe.

    Raises ``MissingModelError`` where ``inkstone[nsfw]`` is not installed.
    """
    session = weights.session(_file())

    def measure(rows: Sequence[Row]) -> list[dict[str, float]]:
        scores: list[dict[str, float]] = []
        for row in rows:
            picture = row.picture(SMALL_SIDE)
            ((output,),) = session.run(None, {"images": _tensor(picture)})
            scores.append({"nsfw_nudenet": _unsafe_score(output.T, *picture.rgb.shape[:2])})
        return scores

    return measure


def _tensor(picture: Picture) -> NDArray[np.float32]:
    """(1, 3, 320, 320): padded below and right to a square, BLUE first, as nudenet itself does."""
    height, width = picture.rgb.shape[:2]
    side = max(height, width)
    square = cv2.copyMakeBorder(picture.rgb, 0, side - height, 0, side - width, cv2.BORDER_CONSTANT)
    blob = cv2.dnn.blobFromImage(square, 1 / 255, (SIDE, SIDE), swapRB=True)
    return np.asarray(blob, np.float32)


def _unsafe_score(anchors: NDArray[np.float32], height: int, width: int) -> float:
    """The best unsafe score that survives suppression; ``anchors`` (N, 4 + 18): box, scores."""
    scores = anchors[:, 4:].max(axis=1)
    anchors, scores = anchors[scores >= REPORTED], scores[scores >= REPORTED]
    labels = anchors[:, 4:].argmax(axis=1)
    if not UNSAFE_NUMBERS.intersection(labels.tolist()):
        return 0.0
    centre, size = anchors[:, :2], anchors[:, 2:4]
    right, bottom = width * SIDE / max(height, width), height * SIDE / max(height, width)
    corner = np.clip(centre - size / 2, 0, (right, bottom))
    extent = np.minimum(size, (right, bottom) - corner)
    boxes = np.concatenate([corner, extent], axis=1).astype(float).tolist()
    kept = cv2.dnn.NMSBoxes(boxes, scores.astype(float).tolist(), REPORTED, OVERLAP)
    unsafe = [float(scores[box]) for box in kept if int(labels[box]) in UNSAFE_NUMBERS]
    return max(unsafe, default=0.0)
