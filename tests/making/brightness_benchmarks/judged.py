"""Three images of which a judge is asked two questions each."""

from infer.evaluation.benchmark import Benchmark, Measured, Question, Request
from infer.harness import metrics


class Judged(Benchmark):
    """By answers, and by one pixel."""

    asks = True

    def requests(self):
        return [Request(name, f"a page {name}") for name in ("p0", "p1", "p2")]

    def questions(self, request, image):
        return [Question("Is it bright?"), Question("And this?", (image.rotate(180), image))]

    def measure(self, request, seen):
        values = {"bright": seen.image.getpixel((0, 0))[0] > 128}
        return Measured(seen.answers.count("yes") / 2, " ".join(seen.answers), values)

    @staticmethod
    def score(rows):
        return [
            metrics.mean("yes", rows, lambda row: row.score),
            metrics.share("bright", rows, lambda row: row.values["bright"], by=()),
        ]
