"""GRPO (arXiv 2402.03300) of a language model through a frozen generator of images.

Shapes: P prompts, G answers of each, N = P G; K tokens of answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from curation.failures.errors import UsageError
from train import groups, rewarding
from train.enhancer import evaluating, sequences
from train.enhancer.answering import Answer, answers, asked
from train.enhancer.configuration import Policy
from train.enhancer.evaluating import Judged, Scores
from train.enhancer.generator import FrozenGenerator
from train.enhancer.language_model import LanguageModel
from train.enhancer.order import at
from train.enhancer.sequences import Row
from train.enhancer.triplet import Triplet
from train.enhancer.updating import Update
from train.rewards.reward import Reward
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
        tell: Callable[[str], None],
    ) -> None:
        """Raises ``UsageError`` where too few are left to train on."""
        self.updates, self._configuration = configuration.updates, configuration
        self._model, self._start, self._generator = model, start, generator
        share, most = configuration.held_out, configuration.longest - configuration.answer
        fitting = [each for each in triplets if len(asked(model, each.short)) <= most]
        self._held_out = [each for each in fitting if each.is_held_out(share)]
        self._prompts = [each.short for each in fitting if not each.is_held_out(share)]
        if not self._prompts:
            raise UsageError(
                f"longest: {configuration.longest}, answer: {configuration.answer}: no prompt to"
                f" train on is asked for in the {most} tokens that are left"
            )
        cut = len(triplets) - len(fitting)
        said = f"; {cut} were too long" * bool(cut)
        tell(f"{len(self._prompts)} prompts to train on; {len(self._held_out)} held out{said}")
        self._judges = (*configuration.rules, *self._rewards)
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
        judged = evaluating.judged(
            self._model, self._held_out, self._configuration, by_images, self._rewards
        )
        if step or not by_images:
            return judged
        prompts = [each.short for each in self._held_out[: self._configuration.evaluation.prompts]]
        if not prompts:
            return judged
        values, rules = dict(judged.values), self._configuration.evaluation.rules
        names = evaluating.names(rules, self._rewards)[len(rules) :]
        for name, scores in zip(names, by_images(prompts, prompts), strict=True):
            known = [score for score in scores if score is not None]
            if known:
                values[f"held_out_{name}_as_asked"] = sum(known) / len(known)
        return Judged(values, judged.sentence, judged.samples)

    @property
    def _rewards(self) -> tuple[Reward, ...]:
        return tuple(self._configuration.rewards) if self._generator else ()

    def _of_images(self, prompts: Sequence[str], written: Sequence[str]) -> list[Scores]:
        seeds = [seed_for(self._configuration.seed, "judged", n) for n in range(len(prompts))]
        return self._rewarded(prompts, written, seeds)

    def _rewarded(
        self, prompts: Sequence[str], written: Sequence[str], seeds: Sequence[int]
    ) -> list[Scores]:
        """What images of what was written are worth to the prompts, by each reward."""
        if self._generator is None:
            return []
        images = self._generator.images(written, seeds)
        return [reward.scores(images, prompts) for reward in self._rewards]

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
        by_rule = evaluating.of_rules(settings.rules, prompts, written)
        by_image = self._rewarded(prompts, [each.text for each in written], seeds)
        return self._compared(written, [*by_rule, *by_image])

    def _compared(self, written: Sequence[Answer], scores: Sequence[Scores]) -> Rollout:
        settings = self._configuration
        names = rewarding.names(self._judges)
        tensors = {name: _tensor(own) for name, own in zip(names, scores, strict=True)}
        means = [float(rewarding.known(each).mean()) for each in tensors.values()]
        shares = rewarding.weights(self._judges, means)
        values = rewarding.combined([*tensors.values()], shares)
        judged = rewarding.Rewarded(values, tensors, dict(zip(names, shares, strict=True)))
        advantages, differs = groups.of_groups(
            values.view(-1, settings.group), settings.advantage_clip
        )
        kept = differs.repeat_interleave(settings.group).nonzero()[:, 0].tolist()
        # without what nothing is known of
        figures = {name: float(own.mean()) for name, own in judged.figures().items() if len(own)}
        figures["alike"] = float((~differs).double().mean())
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


def _tensor(scores: Scores) -> Tensor:
    known = [float("nan") if score is None else score for score in scores]
    return torch.tensor(known, dtype=torch.float64)
