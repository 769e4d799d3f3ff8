"""Nudity, by the detector that ships inside the ``nudenet`` wheel (YOLOv8n, 320 pixels, AGPL-3.0).

Violence and other offence are NOT seen by it. The model file is run as it is, one picture after the
other on one thread: larger batches are no faster on a CPU and only take more memory.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.picture import Picture
from curation.signal import Column, signal

MODEL_FILE = "320n.onnx"
SIDE = 320  # pixels of the model's square input
BATCH = 4  # pictures in one input tensor: 22 ms each, as one alone, and 50 MB more
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


class MissingDetectorError(ImportError):
    """The optional packages behind the ``nsfw`` signal are not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"the signal 'nsfw' needs the package {package!r}: pip install 'inkstone[nsfw]', "
            "or remove 'nsfw' from the bounds of the pipeline",
            name=package,
        )


@signal(
    tier="model",
    version=1,
    columns={
        "nsfw": Column(
            pa.float32(), "score 0 to 1", "highest score of an exposed body part; 0 below 0.25"
        )
    },
)
def nsfw(pictures: list[Picture]) -> list[dict[str, float]]:
    """Highest score per picture over nudenet's exposed-* classes that are unsafe.

    Raises ``MissingDetectorError`` where ``inkstone[nsfw]`` is not installed.
    """
    found: list[dict[str, float]] = []
    for start in range(0, len(pictures), BATCH):
        batch = pictures[start : start + BATCH]
        (outputs,) = _session().run(None, {"images": _tensor(batch)})
        for picture, output in zip(batch, outputs, strict=True):
            found.append({"nsfw": _unsafe_score(output.T, *picture.rgb.shape[:2])})
    return found


@cache
def _session() -> Any:
    """The model, loaded once per process."""
    for package in ("nudenet", "onnxruntime"):
        if find_spec(package) is None:
            raise MissingDetectorError(package)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    model = _package_folder("nudenet") / MODEL_FILE
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingDetectorError(package)
    return Path(spec.origin).parent


def _tensor(pictures: Sequence[Picture]) -> NDArray[np.float32]:
    """(B, 3, 320, 320): padded below and right to squares, BLUE first, as nudenet itself does."""
    squares = []
    for picture in pictures:
        height, width = picture.rgb.shape[:2]
        side = max(height, width)
        squares.append(
            cv2.copyMakeBorder(picture.rgb, 0, side - height, 0, side - width, cv2.BORDER_CONSTANT)
        )
    blob = cv2.dnn.blobFromImages(squares, 1 / 255, (SIDE, SIDE), swapRB=True)
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
