"""An image of a prompt, edited twice, and an image that is brought along, edited."""

import io

from PIL import Image

from infer.evaluation.benchmark import Benchmark, Measured, Request
from infer.harness import metrics


class Chains(Benchmark):
    """By whether there is an image at all."""

    def requests(self):
        stream = io.BytesIO()
        Image.new("RGB", (48, 16), "red").save(stream, "PNG")
        return [
            Request("second", "once more", edits="first"),
            Request("brought", "an edit", inputs=(stream.getvalue(),)),
            Request("start", 'The text "AE" in red on a white background.', size=(32, 16)),
            Request("first", "an edit", edits="start"),
        ][::-1]

    def measure(self, request, seen):
        return Measured(float(not seen.is_missing))

    @staticmethod
    def score(rows):
        return [metrics.mean("there", rows, lambda row: row.score)]
