"""An evaluator of a newcomer's: how bright are generated images?"""

from train.evaluators.evaluator import Evaluation, Evaluator
from train.figures import Figures


class Brightness(Evaluator):
    """The mean level of images of one ``caption``, 0 to 1."""

    caption: str = "a sheet of paper"

    def begin(self):
        """Nothing needs to be remembered but the caption."""
        return Measuring(self.caption)


class Measuring(Evaluation):
    """Generates a few images."""

    def __init__(self, caption):
        self.caption = caption

    def evaluate(self, generator, images):
        """The mean of two images."""
        generated = generator.generate([self.caption] * 2, (2, 4), [1, 2])
        level = float(generated.mean() / 2 + 0.5)
        return Figures({"brightness": level}, f"brightness {level:.2f}")
