"""A benchmark of a newcomer's: how many images are not blank?"""

from infer.evaluation.benchmark import Benchmark, Request
from train.figures import Figures, Rate


class BlankPages(Benchmark):
    """Images of three words, by what they show at all."""

    def requests(self):
        """Three requests."""
        words = ("ink", "stone", "brush")
        return [Request(f'the word "{word}"', 32, 16, seed) for seed, word in enumerate(words)]

    def score(self, images):
        """The share of images with more than one colour."""
        marked = Rate(sum(image.getcolors(1) is None for image in images), len(images))
        return Figures({"marked": marked.values()}, f"images that are not blank: {marked}")
