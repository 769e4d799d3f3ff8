"""The evaluations of a run, together."""

from collections.abc import Callable, Sequence
from typing import Any

from train.configuration import Configuration
from train.data.examples import Example
from train.data.loading import Data
from train.evaluators.evaluator import Evaluation
from train.pixels import Pixels


class Judges:
    """What the evaluators of a configuration began, in their order."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        chosen = configuration.evaluation.evaluators
        self.evaluations: Sequence[Evaluation] = [each.begin() for each in chosen]
        self._watching = list(self.evaluations)

    def watch(self, example: Example, pixels: Pixels) -> bool:
        """Show all who still look at them a training example and its pixels; whether any does."""
        self._watching = [each for each in self._watching if each.watch(example, pixels)]
        return bool(self._watching)

    def prepare(self, data: Data, tell: Callable[[str], None]) -> dict[str, Any]:
        """Tell what there is to say before the first step; returns it as values of the result."""
        values: dict[str, Any] = {}
        for each in self.evaluations:
            figures = each.prepare(data, self._configuration)
            if figures:
                values |= figures.values
                if figures.sentence:
                    tell(figures.sentence)
        return values
