"""GRPO (arXiv 2402.03300) of a language model through a frozen generator of images.

Shapes: P prompts, G answers of each, N = P G; K tokens of answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from train import groups, rewarding
from train.enhancer import evaluating, sequences
from train.enhancer.answering import Answer, answers
from train.enhancer.configuration import Policy
from train.enhancer.evaluating import Judged
from train.enhancer.generator import FrozenGenerator
from train.enhancer.language_model import LanguageModel
from train.enhancer.order import at
from train.enhancer.sequences import Row
from train.enhancer.triplet import Triplet
from train.enhancer.updating import Update
from train.seeds import seed_for


@dataclass(frozen=True)
class Rollout:
    """The ``rows`` of answers that differ within their groups, their ``advantages`` (N,), and the
    log-probabilities ``before`` the first update, of each (K,), where there are several.
    """

    rows: Sequence[Row]
    advantages: Tensor
    before: Mapping[int, Tensor]
    figures: Mapping[str, float]


class PolicyTask:
    """Prompts, and what answers to them are worth. ``start`` is the model at the start, which the
    trained one is held to; None where ``kl`` is 0. ``generator`` is None where rules judge alone.
    """

    def __init__(
        self,
        model: LanguageModel,
        start: LanguageModel | None,
        generator: FrozenGenerator | None,
        triplets: Sequence[Triplet],
        configuration: Policy,
    ) -> None:
        self.updates, self._configuration = configuration.updates, configuration
        self._model, self._start, self._generator = model, start, generator
        share = configuration.held_out
        self._held_out = [each for each in triplets if each.is_held_out(share)]
        self._prompts = [each.short for each in triplets if not each.is_held_out(share)]
        self._rollout: Rollout | None = None

    def update(self, step: int, number: int) -> Update:
        """As ``Task``: the answers of a step are sampled before the first of its updates."""
        if number == 0 or self._rollout is None:
            self._rollout = self._sampled(step)
        made, settings = self._rollout, self._configuration
        if not made.rows:
            return Update(0.0, 0, 0, made.figures)
        total, sums = 0.0, {"ratio": 0.0, "clipped": 0.0, "kl": 0.0}
        for portion in sequences.portions(made.rows, settings.rows_at_once):
            rows = [made.rows[place] for place in portion]
            likely, mask = self._likely(self._model, rows)
            before = likely.detach()
            if made.before:
                before = _stacked([made.before[place] for place in portion], mask)
            ratio = (likely - before).exp()
            gains = made.advantages[portion].to(likely.device)[:, None]
            bounded = ratio.clamp(1 - settings.clip, 1 + settings.clip)
            loss = -torch.minimum(ratio * gains, bounded * gains)
            divergence = self._divergence(likely, rows)
            share = mask / mask.sum(1, keepdim=True) / len(made.rows)  # of an answer's tokens
            loss = ((loss + settings.kl * divergence) * share).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
            outside = (ratio != bounded).double()
            for name, each in {"ratio": ratio, "clipped": outside, "kl": divergence}.items():
                sums[name] += float((each.detach() * share).sum())
        tokens = sum(len(row.answer) for row in made.rows)
        return Update(total, tokens, sum(map(len, made.rows)), {**made.figures, **sums})

    def evaluate(self, step: int) -> Judged:
        """Held-out prompts; at the start also what their images are worth without any answer."""
        by_images = self._of_images if self._generator else None
        judged = evaluating.judged(self._model, self._held_out, self._configuration, by_images)
        if step or not by_images:
            return judged
        prompts = [each.short for each in self._held_out[: self._configuration.evaluation.prompts]]
        values = dict(judged.values)
        for name, scores in by_images(prompts, prompts).items():
            known = [score for score in scores if score is not None]
            values[f"held_out_{name}_as_asked"] = sum(known) / max(1, len(known))
        return Judged(values, judged.sentence, judged.samples)

    def _of_images(
        self, prompts: Sequence[str], written: Sequence[str]
    ) -> dict[str, Sequence[float | None]]:
        seeds = [seed_for(self._configuration.seed, "judged", n) for n in range(len(prompts))]
        return self._rewarded(prompts, written, seeds)

    def _rewarded(
        self, prompts: Sequence[str], written: Sequence[str], seeds: Sequence[int]
    ) -> dict[str, Sequence[float | None]]:
        """What images of what was written are worth to the prompts, by reward."""
        rewards = self._configuration.rewards
        if self._generator is None:
            return {}
        images = self._generator.images(written, seeds)
        named = zip(rewarding.names(rewards), rewards, strict=True)
        return {name: reward.scores(images, prompts) for name, reward in named}

    def _sampled(self, step: int) -> Rollout:
        """The answers of a step, which a group of images of the same noise judges."""
        settings = self._configuration
        places = at(step, settings.batch, len(self._prompts), settings.seed)
        prompts = [self._prompts[place] for place in places for _ in range(settings.group)]
        seed = seed_for(settings.seed, "answers", step)
        written = answers(
            self._model,
            prompts,
            settings.answer,
            settings.rows_at_once,
            settings.temperature,
            seed,
        )
        numbers = (place // settings.group for place in range(len(prompts)))
        seeds = [seed_for(settings.seed, "image", step, number) for number in numbers]
        scores = dict[str, Sequence[float | None]]()
        scores |= evaluating.of_rules(settings.rules, prompts, written)
        scores |= self._rewarded(prompts, [each.text for each in written], seeds)
        return self._compared(written, scores)

    def _compared(
        self, written: Sequence[Answer], scores: Mapping[str, Sequence[float | None]]
    ) -> Rollout:
        settings = self._configuration
        parts = (*settings.rules, *settings.rewards)[: len(scores)]
        tensors = {name: _tensor(own) for name, own in scores.items()}
        means = [float(rewarding.known(each).nan_to_num().mean()) for each in tensors.values()]
        shares = rewarding.weights(parts, means)
        values = rewarding.combined([*tensors.values()], shares).view(-1, settings.group)
        advantages, differs = groups.of_groups(values, settings.advantage_clip)
        kept = differs.repeat_interleave(settings.group).nonzero()[:, 0].tolist()
        figures = dict(zip((f"reward/{name}" for name in scores), means, strict=True))
        figures |= {"reward": sum(means) / len(means), "alike": float((~differs).double().mean())}
        lengths = [len(each.row.answer) for each in written]
        figures["answer_tokens"] = sum(lengths) / len(lengths)
        rows = [written[place].row for place in kept]
        return Rollout(rows, advantages.flatten()[kept].float(), self._before(rows), figures)

    @torch.no_grad()
    def _before(self, rows: Sequence[Row]) -> dict[int, Tensor]:
        """In the portions that they are trained in, so that ratios begin at exactly 1; of a single
        update they are its own.
        """
        before: dict[int, Tensor] = {}
        if self.updates == 1:
            return before
        for portion in sequences.portions(rows, self._configuration.rows_at_once):
            likely, _ = self._likely(self._model, [rows[place] for place in portion])
            before |= dict(zip(portion, likely, strict=True))
        return before

    def _likely(self, model: LanguageModel, rows: Sequence[Row]) -> tuple[Tensor, Tensor]:
        return sequences.log_probabilities(model, rows, self._configuration.temperature)

    def _divergence(self, likely: Tensor, rows: Sequence[Row]) -> Tensor:
        """KL from the start by the estimator of GRPO, r - 1 - log r, of each token."""
        if self._start is None:
            return torch.zeros_like(likely)
        with torch.no_grad():
            start, _ = self._likely(self._start, rows)
        apart = start - likely
        return apart.exp() - 1 - apart


def _stacked(rows: Sequence[Tensor], mask: Tensor) -> Tensor:
    return torch.stack(list(rows)).to(mask.device)


def _tensor(scores: Sequence[float | None]) -> Tensor:
    known = [float("nan") if score is None else score for score in scores]
    return torch.tensor(known, dtype=torch.float64)
