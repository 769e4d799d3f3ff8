"""Images of held-out captions: their loss, a grid to look at, and whether the strings are right."""

from typing import TYPE_CHECKING, Any

from train.evaluators.evaluator import Evaluation, Evaluator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from train.configuration import Configuration
    from train.data.examples import Example
    from train.data.loading import Data
    from train.figures import Figures
    from train.generating import Generator


class HeldOutStrings(Evaluator):
    """Reads strings on a grid of cells by nearest template; of other images there is the loss."""

    def begin(self) -> Evaluation:
        """As ``Evaluator``."""
        return _Judging()


class _Judging(Evaluation):
    def __init__(self) -> None:
        from train.string_reader import Templates

        self._templates = Templates()

    def watch(self, example: "Example", pixels: "NDArray[np.uint8]") -> bool:
        return self._templates.watch(example, pixels)

    def prepare(self, data: "Data", configuration: "Configuration") -> "Figures":
        """The share of held-out images read right after the autoencoder: no model can do better."""
        from train import held_out
        from train.figures import Figures
        from train.string_reader import LABEL, judge

        self._data, self._reader = data, self._templates.reader()
        self._tasks = held_out.tasks(data, configuration.seed)
        values: dict[str, Any] = {"held_out_ceiling": None, "held_out_label": LABEL}
        if self._reader is None or not data.held_out:
            return Figures(values)
        right: list[list[bool]] = []
        for bucket in data.held_out:
            images = data.autoencoder.decode(bucket.latents).float().cpu()
            right += self._reader.right(images, bucket.examples)
        ceiling = values["held_out_ceiling"] = judge(right).share
        exact = f"{100 * ceiling:.1f} % of the held-out strings"
        return Figures(values, f"through the autoencoder alone {exact} stay exact")

    def evaluate(self, generator: "Generator", images: int | None) -> "Figures":
        from train import held_out
        from train.figures import Figures

        outcome = held_out.evaluate(generator, self._data, self._tasks[:images], self._reader)
        values: dict[str, Any] = {"held_out_loss": outcome.loss, "held_out_accuracy": None}
        sentences = []
        if outcome.loss is not None:
            sentences.append(f"held-out loss {outcome.loss:.4f}")
        if outcome.accuracy is not None:
            values["held_out_accuracy"] = outcome.accuracy.share
            values["held_out_images"] = outcome.accuracy.images
            sentences.append(outcome.accuracy.sentence())
        return Figures(values, "  ".join(sentences), outcome.grid)
