"""Fine-tuning of a language model on triplets: from the short prompt to the fine one (SFT)."""

from collections.abc import Callable, Sequence

import torch

from curation.failures.errors import UsageError
from train.enhancer import answering, evaluating, sequences
from train.enhancer.configuration import Supervised
from train.enhancer.evaluating import Judged
from train.enhancer.language_model import LanguageModel
from train.enhancer.order import at
from train.enhancer.sequences import Row
from train.enhancer.triplet import Triplet
from train.enhancer.updating import Update


def answer(triplet: Triplet, *, reasoning: bool) -> str:
    """What a model is to answer: ``infer`` takes what stands behind the reasoning."""
    if reasoning and triplet.reasoning:
        return f"<think>\n{triplet.reasoning}\n</think>\n\n{triplet.fine}"
    return triplet.fine


class SupervisedTask:
    """Rows of triplets, those of a step by its number alone."""

    updates = 1

    def __init__(
        self,
        model: LanguageModel,
        triplets: Sequence[Triplet],
        configuration: Supervised,
        tell: Callable[[str], None],
    ) -> None:
        """Raises ``UsageError`` where too few are left to train on."""
        self._model, self._configuration = model, configuration
        share = configuration.held_out
        self._held_out = [each for each in triplets if each.is_held_out(share)]
        made = [self._row(each) for each in triplets if not each.is_held_out(share)]
        self._rows = [row for row in made if len(row) <= configuration.longest]
        self._judged = [
            row for each in self._held_out if len(row := self._row(each)) <= configuration.longest
        ][: configuration.evaluation.prompts]
        if not self._rows:
            raise UsageError(
                f"longest: {configuration.longest}: of {len(made)} triplets none has so few tokens"
            )
        cut = f", {len(made) - len(self._rows)} of them too long" * (len(made) > len(self._rows))
        tell(f"{len(made)} triplets to train on{cut}; {len(self._held_out)} held out")

    def update(self, step: int, number: int) -> Update:
        """The gradients of a step, as those of a mean over the tokens of its answers."""
        settings = self._configuration
        rows = [
            self._rows[place] for place in at(step, settings.batch, len(self._rows), settings.seed)
        ]
        return Update(self._loss(rows, backward=True), _answered(rows), sum(map(len, rows)))

    def evaluate(self, step: int) -> Judged:
        """Held-out loss, and what becomes of held-out prompts."""
        judged = evaluating.judged(self._model, self._held_out, self._configuration)
        if not self._judged:
            return judged
        with torch.no_grad():
            loss = self._loss(self._judged, backward=False)
        return Judged(
            {"held_out_loss": loss, **judged.values},
            f"held-out loss {loss:.4f}; {judged.sentence}",
            judged.samples,
        )

    def _loss(self, rows: Sequence[Row], *, backward: bool) -> float:
        """Negative log-likelihood of a token of an answer."""
        total, tokens = 0.0, _answered(rows)
        for portion in sequences.portions(rows, self._configuration.rows_at_once):
            likely, _ = sequences.log_probabilities(self._model, [rows[place] for place in portion])
            loss = -likely.sum() / tokens
            if backward:
                loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total

    def _row(self, triplet: Triplet) -> Row:
        tokenizer, settings = self._model.tokenizer, self._configuration
        text = answer(triplet, reasoning=settings.reasoning)
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        return Row(answering.asked(self._model, triplet.short), (*tokens, self._model.end))


def _answered(rows: Sequence[Row]) -> int:
    return sum(len(row.answer) for row in rows)
