"""A student of few steps by distribution matching, without a GAN (DMD, arXiv 2311.18828, and DMD2,
arXiv 2405.14867).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from train.kinds import Count
from train.objectives.objective import Losses, Objective

if TYPE_CHECKING:
    from torch import Tensor

    from train.configuration import Configuration
    from train.distilling import Path
    from train.parts import Parts


class Dmd(Objective):
    """Of each prompt of a batch the student goes from noise through its ``steps``, without
    guidance; of one of its states, by chance, its sample x is what it expects behind the noise. Of
    x with noise of a random level the teacher, the network that the run started with, expects
    x_real, with ``guidance``, and a fake one, which learns what the student generates, x_fake. With
    g = (x_fake - x_real) / mean|x - x_real| the loss is half the mean of (x - sg(x - g))^2, so that
    its gradient leads from where the student's samples are to where the teacher's are.

    The fake network begins as the teacher and takes ``fake_updates`` of flow matching on the
    samples of a step before the student's, each with other noise.
    """

    reference: ClassVar[bool] = True
    fake: ClassVar[bool] = True
    student: ClassVar[bool] = True
    steps: Count = 4
    guidance: Annotated[float, Field(ge=1)] = 1.0
    fake_updates: Count = 5

    def check(self, configuration: "Configuration") -> None:
        from train import distilling

        distilling.check(configuration)

    def passes(self, passes: float, configuration: "Configuration") -> float:
        """The student's images and its sample, what both others expect behind noise, and training
        the fake one.
        """
        expected = 1 + (self.guidance != 1) + 1
        return self.steps + passes + expected + self.fake_updates * passes

    def losses(self, parts: "Parts", step: int) -> Iterator[Losses]:
        """As ``Objective``: a loss for each image."""
        import torch

        from train import distilling, rollouts, sampling_states
        from train.distilling import Diffused

        student = distilling.student(parts, step, self.steps)
        figures = {"fake_loss": self._taught(parts, step, student)}
        negatives = rollouts.empty(parts, student.asking) if self.guidance != 1 else None
        given = (student.asking, student.states, student.levels, negatives)
        for portion in sampling_states.portions(parts, *given):
            velocity = sampling_states.velocity(parts, parts.transformer, portion.packed)
            level = portion.of_tokens(portion.levels[:, :1].float())
            sample = portion.tokens - level * velocity
            assert parts.fake
            with torch.no_grad():
                noised = Diffused.of(parts, portion, sample.detach(), "matched", step)
                real = noised.denoised(parts, parts.reference, self.guidance)
                fake = noised.denoised(parts, parts.fake.network)
                away = portion.by_state((noised.data - real).abs().mean(-1))
                towards = (fake - real) / portion.of_tokens(away)[:, None]
                wanted = noised.data - towards
            of_state = portion.by_state((sample - wanted).square().mean(-1)) / 2
            figures = figures | {"distance": away}
            share = 1 / len(student.states)
            groups = distilling.groups(portion)
            yield Losses(of_state, share, groups, portion.flops, figures=figures)
            figures = {}

    def _taught(self, parts: "Parts", step: int, student: "Path") -> "Tensor":
        """The losses (updates,) of the fake network, which is then taught by the samples of the
        student.
        """
        import torch

        from train import phases

        assert parts.fake
        settings, rate = parts.configuration, phases.at(parts.data.phases, step).learning_rate
        losses = [
            parts.fake.update(step, settings, rate, self._of_fake(parts, step, number, student))
            for number in range(self.fake_updates)
        ]
        return torch.stack(losses)

    def _of_fake(
        self, parts: "Parts", step: int, number: int, student: "Path"
    ) -> "Iterator[Tensor]":
        """The losses of an update of a ``number``, which add up to that of all samples."""
        from train import flow, sampling_states
        from train.distilling import Diffused

        assert parts.fake
        samples, count = student.ends, len(student.ends)
        for portion in sampling_states.portions(parts, student.asking, samples, student.levels):
            noised = Diffused.of(parts, portion, portion.tokens, "fake", step, number)
            error = noised.velocity(parts, parts.fake.network) - flow.target(
                noised.data, noised.noise
            )
            yield portion.by_state(error.square().mean(-1)).sum() / count
