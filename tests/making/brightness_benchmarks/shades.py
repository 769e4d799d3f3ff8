"""How bright two images of each of four prompts are."""

from infer.evaluation.benchmark import Benchmark, Measured, Request
from infer.harness import metrics

GROUPS = {"p0": "a", "p1": "a", "p2": "b", "p3": "b"}
HOSTILE = "<script>alert('p0')</script> \"ink\" on a white page"


class Shades(Benchmark):
    """By one pixel."""

    def requests(self):
        return [
            Request(name, HOSTILE if name == "p0" else f"a page {name}", k, group=group)
            for name, group in GROUPS.items()
            for k in (1, 2)
        ]

    def measure(self, request, seen):
        return Measured(seen.image.getpixel((0, 0))[0] / 255, f"<b>{request.id}</b>")

    @staticmethod
    def score(rows):
        return [
            metrics.mean("brightness", rows, lambda row: row.score),
            metrics.macro("of_groups", rows, lambda row: row.score),
            metrics.share("bright", rows, lambda row: row.score > 0.9),
        ]
