"""Policy gradients by rewards of groups of images (Flow-GRPO, arXiv 2505.05470)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PrivateAttr

from train.kinds import Count, Positive
from train.objectives.objective import Losses, Objective
from train.rewards._listed import Rewards

if TYPE_CHECKING:
    from train.configuration import Configuration
    from train.groups import Manner, Rollout
    from train.parts import Parts


class Grpo(Objective):
    """Of each prompt of a batch a ``group`` of images is generated in so many ``steps``, with noise
    of the ``amount`` a in the first ``noisy`` of them, or in all (``train.stochastic``), and with
    ``guidance``; from the same noise where they have the ``same_start``. The advantage of an
    image is its reward less the mean of its group, in units of its spread, at most
    ``advantage_clip``. A group whose rewards do not differ is left out, and counted.

    Then so many ``updates`` of the weights follow, a step of the run each. Each takes ``trained``
    of the sampling steps, by chance, and minimises ``kl`` KL - min(r A, clip(r) A), where r is the
    ratio of the probabilities of a step now and before the first update, whose logarithms are means
    over the values of a latent, clipped to 1 - ``clip`` to 1 + ``clip``, and KL the divergence of
    the step from that of the network that the run started with. Neither has guidance.

    Latents of a rollout are rounded to ``storage``: probabilities are of what was rounded.
    """

    reference: ClassVar[bool] = True
    rewards: Rewards = ()
    group: Annotated[int, Field(ge=2, le=1024)] = 8
    steps: Annotated[int, Field(ge=2)] = 10
    amount: Positive = 0.7
    noisy: Count | None = None
    same_start: bool = False
    guidance: Annotated[float, Field(ge=1)] = 1.0
    trained: Count = 4
    updates: Count = 1
    clip: Positive = 1e-3
    advantage_clip: Positive = 5.0
    kl: Annotated[float, Field(ge=0)] = 0.01
    storage: Literal["float32", "bfloat16"] = "float32"
    _rollout: "tuple[int, Rollout] | None" = PrivateAttr(default=None)

    @property
    def stride(self) -> int:
        return self.updates

    def check(self, configuration: "Configuration") -> None:
        from curation.failures.errors import UsageError
        from train import reference, rewarding

        reference.check(configuration)
        rewarding.check("objective grpo", self.rewards)
        if self._noisy > self.steps or self.trained > self._noisy:
            raise UsageError(
                f"objective grpo: trained: {self.trained} of {self._noisy} noisy sampling steps, of"
                f" {self.steps} in all; expected no more than there are"
            )

    def passes(self, passes: float, configuration: "Configuration") -> float:
        """A group of images for each sample, generated once for all updates, then gone through at
        the trained steps, each also by the reference; before that once, where there are several
        updates.
        """
        rollout = self.steps * (1 + (self.guidance != 1)) / self.updates
        before = self.updates > 1
        return self.group * (rollout + self.trained * (passes + bool(self.kl) + before))

    def losses(self, parts: "Parts", step: int) -> Iterator[Losses]:
        """As ``Objective``: a loss for each image and sampling step."""
        import torch

        from train import groups

        rollout = self._current(parts, step)
        number = (step - 1) % self.updates
        figures = dict(rollout.figures)
        if not rollout.informative:
            yield Losses.nothing(figures)
            return
        share = 1 / (rollout.images * self.trained)
        for portion in groups.portions(rollout, number, parts):
            velocity = groups.velocity(parts, parts.transformer, portion)
            log_probability = portion.log_probability(velocity)
            before = log_probability.detach() if portion.before is None else portion.before
            ratio = (log_probability - before).exp()
            advantages = portion.advantages
            bounded = ratio.clamp(1 - self.clip, 1 + self.clip)
            of_sample = -torch.minimum(ratio * advantages, bounded * advantages)
            outside = (ratio.detach() != bounded.detach()).double()
            figures |= {"ratio": ratio.detach(), "clipped": outside}
            if self.kl:
                with torch.no_grad():
                    start = groups.velocity(parts, parts.reference, portion)
                divergence = portion.divergence(velocity, start)
                figures |= {"kl": divergence.detach()}
                of_sample = of_sample + self.kl * divergence
            yield Losses(of_sample, share, (), portion.flops, figures=figures)
            figures = {}

    def _current(self, parts: "Parts", step: int) -> "Rollout":
        """That of the updates to which a step belongs: a function of the weights before the first
        of them, behind which alone a run stops and goes on.
        """
        from train import groups

        first = self.first(step)
        if self._rollout is None or self._rollout[0] != first or first == step:
            self._rollout = first, groups.rollout(parts, first, self._manner())
        return self._rollout[1]

    @property
    def _noisy(self) -> int:
        return self.noisy or self.steps

    def _manner(self) -> "Manner":
        from train.groups import Manner
        from train.rollouts import Generating

        return Manner(
            Generating(self.steps, self.guidance, self.amount, self.storage, self._noisy),
            self.rewards,
            self.group,
            self.trained,
            self.updates,
            self.advantage_clip,
            self.same_start,
        )
