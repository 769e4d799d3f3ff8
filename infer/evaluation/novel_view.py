"""Novel views: the image of a thing from another side against its true render, on the user's data.

``--data`` has ``pairs.jsonl``: input, truth, prompt ("turn left 90 degrees, a dog") and perhaps
group. LPIPS needs weights that are not here, and is not given.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curation.failures.errors import UsageError
from curation.picture import likeness
from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen
from infer.harness.image_pairs import ImagePairs

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric


class NovelView(Benchmark):
    """PSNR and SSIM, means over images, in the size of the truth."""

    held_out = "they are instructions"

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        """Raises ``UsageError``."""
        super().__init__(checkpoint, data)
        self._data = ImagePairs(data)

    @property
    def facts(self) -> Mapping[str, Any]:
        """Of which pairs, and how."""
        size = "the truth's; images of another are resized to it (Lanczos)"
        return {"pairs_sha256": self._data.digest, "size": size, "lpips": "not computed"}

    def requests(self) -> Sequence[Request]:
        """One for each pair. Raises ``UsageError`` for one without a prompt."""
        for number, pair in enumerate(self._data.pairs.values(), 1):
            if not pair.prompt:
                raise UsageError(f"pairs.jsonl, row {number}: expected a prompt: which view")
        return self._data.requests()

    def perfect(self, request: Request) -> "Image.Image":
        """The truth."""
        return self._data.image(self._data.pairs[request.id].truth)

    def measure(self, request: Request, seen: Seen) -> Measured:
        """Both are 0 where the image is missing."""
        from PIL import Image

        if seen.is_missing:
            return Measured(0.0, values={"psnr": 0.0, "ssim": 0.0})
        truth = self.perfect(request)
        image = seen.image
        if image.size != truth.size:
            image = image.resize(truth.size, Image.Resampling.LANCZOS)
        levels, true = np.asarray(image), np.asarray(truth)
        values = {"psnr": likeness.psnr(levels, true), "ssim": likeness.ssim(levels, true)}
        return Measured(max(0.0, values["ssim"]), values=values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """Both figures."""
        from infer.harness import metrics

        return [
            metrics.mean("PSNR", rows, lambda row: row.values["psnr"]),
            metrics.mean("SSIM", rows, lambda row: row.values["ssim"]),
        ]
