"""Several rewards of images as one, on comparable scales, the one that lacks most first.

Everything is a function of the images at hand, so that nothing is to be kept from step to step.

Shapes: N images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from curation.failures.errors import UsageError
from train.pixels import Pixels
from train.rewards.reward import Reward

_LEAST = 0.1  # of its weight that a reward keeps when it has reached its target


@dataclass(frozen=True)
class Rewarded:
    """``values`` (N,) by which images are compared; ``scores`` (N,) and ``weights`` by reward. NaN
    is what is not known.
    """

    values: Tensor
    scores: Mapping[str, Tensor]
    weights: Mapping[str, float]

    def figures(self) -> dict[str, Tensor]:
        """What is written down, by name: of several rewards each, and its weight; ``unanswered`` is
        the share of images that a reward gave no score, where there are any.
        """
        unknown = self.values.isnan()
        named = {"reward": torch.stack([*self.scores.values()]).mean(0)[~unknown]}
        if len(self.scores) > 1:
            named |= {f"reward/{name}": known(scores) for name, scores in self.scores.items()}
            named |= {f"weight/{name}": torch.tensor([w]) for name, w in self.weights.items()}
        return named | ({"unanswered": unknown.double()} if unknown.any() else {})


def check(named: str, rewards: Sequence[Reward]) -> None:
    """Raise ``UsageError`` for what is ``named``, without rewards, or for what a reward lacks."""
    if not rewards:
        raise UsageError(f"{named}: rewards: expected what images are worth, such as [ocr]")
    for reward in rewards:
        reward.check()


def names(rewards: Sequence[Reward]) -> list[str]:
    """What each is called: as its file, with its number behind one of the same name."""
    called: list[str] = []
    for number, reward in enumerate(rewards, 1):
        name = reward.name.rpartition(".")[2]
        called.append(f"{name}-{number}" if name in called else name)
    return called


def known(scores: Tensor) -> Tensor:
    """Those that are not NaN."""
    return scores[~scores.isnan()]


def rewarded(
    rewards: Sequence[Reward], images: Sequence[Pixels], prompts: Sequence[str]
) -> Rewarded:
    """The images of their prompts by all ``rewards``. Raises ``UsageError``."""
    scores = {
        name: _tensor(reward.scores(images, prompts))
        for name, reward in zip(names(rewards), rewards, strict=True)
    }
    shares = weights(rewards, [float(known(each).mean()) for each in scores.values()])
    return Rewarded(
        combined([*scores.values()], shares), scores, dict(zip(scores, shares, strict=True))
    )


def _tensor(scores: Sequence[float | None]) -> Tensor:
    values = [float("nan") if score is None else score for score in scores]
    return torch.tensor(values, dtype=torch.float64)


def weights(rewards: Sequence[Reward], means: Sequence[float]) -> list[float]:
    """The share of each reward, of its own ``weight``: all of that where its mean is furthest below
    its target, in proportion where it is nearer, a tenth where it is there. They add up to 1.
    """
    gaps = [max(0.0, reward.target - mean) for reward, mean in zip(rewards, means, strict=True)]
    most = max(gaps) or 1.0
    own = [
        reward.weight * (_LEAST + (1 - _LEAST) * gap / most)
        for reward, gap in zip(rewards, gaps, strict=True)
    ]
    return [each / sum(own) for each in own]


def combined(scores: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """The sum (N,) of scores (N,), each in units of its spread from its mean; of one reward its
    scores as they are. What does not differ counts for nothing; what one does not know stays NaN.
    """
    if len(scores) == 1:
        return scores[0]
    total = torch.zeros_like(scores[0])
    for own, share in zip(scores, shares, strict=True):
        spread = known(own).std(correction=0)
        total += share * (own - known(own).mean()) / spread if spread > 0 else 0 * own
    return total
