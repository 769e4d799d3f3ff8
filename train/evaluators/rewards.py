"""What rewards make of images of held-out captions: whether what is learnt holds for new ones."""

from typing import TYPE_CHECKING, Any

from train.evaluators.evaluator import Evaluation, Evaluator
from train.rewards._listed import Rewards as Listed

if TYPE_CHECKING:
    from train.configuration import Configuration
    from train.data.loading import Data
    from train.figures import Figures
    from train.generating import Generator


class Rewards(Evaluator):
    """The mean of each of ``rewards`` over held-out captions, and the share that has all of it."""

    rewards: Listed = ("ocr",)

    def begin(self) -> Evaluation:
        """As ``Evaluator``. Raises ``UsageError`` for what a reward lacks."""
        from train import rewarding

        rewarding.check("evaluation.evaluators: rewards", self.rewards)
        return _Judging(self)


class _Judging(Evaluation):
    def __init__(self, settings: Rewards) -> None:
        self._settings = settings

    def prepare(self, data: "Data", configuration: "Configuration") -> None:
        from train import held_out

        self._tasks = held_out.tasks(data, configuration.seed) if data.held_out else []

    def evaluate(self, generator: "Generator", images: int | None) -> "Figures":
        import numpy as np

        from train import held_out, rewarding
        from train.figures import Figures
        from train.pixels import as_image

        chosen = self._tasks[:images]
        prompts = [task.example.captions[0] for task in chosen]
        made = held_out.generated(generator, chosen)
        pixels = [np.asarray(as_image(image).convert("RGB")) for image in made]
        values: dict[str, Any] = {}
        sentences = []
        rewards = self._settings.rewards if chosen else ()
        for name, reward in zip(rewarding.names(rewards), rewards, strict=True):
            given = reward.scores(pixels, prompts)
            scores = [score for score in given if score is not None]
            mean, full = sum(scores) / len(scores), sum(score == 1 for score in scores)
            values |= {f"held_out_{name}": mean, f"held_out_{name}_full": full / len(scores)}
            values["held_out_rewarded"] = len(given)
            sentence = f"held-out {name} {mean:.3f}, full for {full} of {len(scores)}"
            if unknown := len(given) - len(scores):
                values[f"held_out_{name}_unanswered"] = unknown
                sentence += f", {unknown} unanswered"
            sentences.append(sentence)
        return Figures(values, "  ".join(sentences))
