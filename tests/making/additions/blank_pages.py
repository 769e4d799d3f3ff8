"""A benchmark of a newcomer's: how many images are not blank?"""

from infer.evaluation.benchmark import Benchmark, Measured, Request
from infer.harness import metrics


class BlankPages(Benchmark):
    """Images of three words, by what they show at all."""

    def requests(self):
        """Three requests."""
        words = ("ink", "stone", "brush")
        return [Request(word, f'the word "{word}"', size=(32, 16)) for word in words]

    def measure(self, request, seen):
        """Whether it has more than one colour."""
        return Measured(float(seen.image.getcolors(1) is None))

    @staticmethod
    def score(rows):
        """The share of images with more than one colour."""
        return [metrics.share("marked", rows, lambda row: row.score == 1)]
