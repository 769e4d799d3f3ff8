"""Depth: how far a model's images of depth are from what was measured, on the user's data.

``--data`` has ``pairs.jsonl``: input, truth (.npy or PNG of 16 bits, any unit; 0, negative and not
finite are not valid) and perhaps prompt and group. An image's depth is the mean of its channels.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen
from infer.harness.image_pairs import ImagePairs

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

PROMPT = "Estimate the depth of the image."
_LEAST = 1e-6  # of the median depth: aligned depths are not below
Floats = NDArray[np.float64]


class Depth(Benchmark):
    """AbsRel and delta1 after alignment by scale and shift: means over images."""

    held_out = "it is an instruction"

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        """Raises ``UsageError``."""
        super().__init__(checkpoint, data)
        self._data = ImagePairs(data)

    @property
    def facts(self) -> Mapping[str, Any]:
        """Of which pairs, and how."""
        aligned = "by least squares, scale and shift, over valid pixels of each image"
        return {"pairs_sha256": self._data.digest, "aligned": aligned, "depth": "mean of R, G, B"}

    def requests(self) -> Sequence[Request]:
        """One for each pair."""
        return self._data.requests(PROMPT)

    def perfect(self, request: Request) -> "Image.Image":
        """The truth in 8 bits."""
        from PIL import Image

        truth = self._truth(request)
        valid = _valid(truth)
        low, high = (truth[valid].min(), truth[valid].max()) if valid.any() else (0, 1)
        levels = np.where(valid, (truth - low) / max(high - low, 1e-12), 0) * 255
        return Image.fromarray(levels.round().astype(np.uint8)).convert("RGB")

    def measure(self, request: Request, seen: Seen) -> Measured:
        """A missing image, or one without any contrast, is wrong by all of the depth."""
        import cv2

        truth = self._truth(request)
        depth = np.asarray(seen.image, np.float64).mean(2)
        depth = cv2.resize(depth, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
        values = errors(depth, truth)
        return Measured(values["delta1"], values=values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """Of all images, and of each group where there are several."""
        from infer.harness import metrics

        groups = metrics.by_group(rows)
        parts = {"": list(rows)} | (groups if len(groups) > 1 else {})
        return [
            metrics.mean(f"{name}, {group}" if group else name, own, _value(key))
            for group, own in parts.items()
            for name, key in (("AbsRel", "abs_rel"), ("delta1", "delta1"))
        ]

    def _truth(self, request: Request) -> Floats:
        return self._data.numbers(self._data.pairs[request.id].truth)


def errors(depth: Floats, truth: Floats) -> dict[str, float]:
    """AbsRel, the mean of |d - d*| / d*, and delta1, the share with max(d / d*, d* / d) < 1.25, of
    maps (H, W), over valid pixels and with ``depth`` aligned; and the ``scale`` of it, which is
    negative where near and far are the wrong way round.
    """
    valid = _valid(truth)
    seen, true = depth[valid], truth[valid]
    if not seen.size or seen.min() == seen.max():
        return {"abs_rel": 1.0, "delta1": 0.0, "scale": 0.0}
    scale, shift = np.linalg.lstsq(np.stack([seen, np.ones_like(seen)], 1), true, rcond=None)[0]
    aligned = np.maximum(scale * seen + shift, _LEAST * np.median(true))
    return {
        "abs_rel": float((np.abs(aligned - true) / true).mean()),
        "delta1": float((np.maximum(aligned / true, true / aligned) < 1.25).mean()),
        "scale": float(scale),
    }


def _valid(truth: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(truth) & (truth > 0))


def _value(key: str) -> Any:
    return lambda row: row.values[key]
