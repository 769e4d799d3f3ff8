"""A student of few steps by imitation of its teacher's path (trajectory imitation), with the
teacher's guidance in it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PrivateAttr

from train.kinds import Count
from train.objectives.objective import Losses, Objective

if TYPE_CHECKING:
    from train.configuration import Configuration
    from train.distilling import Path
    from train.parts import Parts


class Imitation(Objective):
    """Of each prompt of a batch the teacher, the network that the run started with, takes a path
    from noise with ``guidance``. The student has so many ``steps``, of the levels that images are
    generated through in as many; in each the teacher takes ``teacher_steps`` even ones. Where it
    comes to from a state x is x'; the student's velocity at x, without guidance, is drawn to the
    chord (x' - x) / (sigma' - sigma), by the mean squared error.

    States are those of the ``teacher``'s path, or those that the ``student`` comes to by itself,
    from which the teacher goes on for a step.

    So many ``updates`` of the weights, a step of the run each, learn from the same paths.
    """

    reference: ClassVar[bool] = True
    student: ClassVar[bool] = True
    steps: Count = 4
    teacher_steps: Count = 12
    guidance: Annotated[float, Field(ge=1)] = 1.0
    states: Literal["teacher", "student"] = "teacher"
    updates: Count = 1
    _path: "tuple[int, Path] | None" = PrivateAttr(default=None)

    @property
    def stride(self) -> int:
        return self.updates

    def check(self, configuration: "Configuration") -> None:
        from train import distilling

        distilling.check(configuration)

    def passes(self, passes: float, configuration: "Configuration") -> float:
        """The path, once for all updates, and training on each of its states. After its last state
        the student itself goes no further.
        """
        path = self.steps * self.teacher_steps * (1 + (self.guidance != 1))
        own = (self.steps - 1) * (self.states == "student")
        return self.steps * passes + (path + own) / self.updates

    def losses(self, parts: "Parts", step: int) -> Iterator[Losses]:
        """As ``Objective``: a loss for each image and step of the student."""
        import torch

        from train import distilling, sampling_states

        path = self._current(parts, step)
        share = 1 / len(path.states)
        for portion in sampling_states.portions(parts, path.asking, path.states, path.levels):
            velocity = sampling_states.velocity(parts, parts.transformer, portion.packed)
            ends = torch.cat([path.ends[place] for place in portion.places])
            length = portion.of_tokens((portion.levels[:, 1] - portion.levels[:, 0]).float())
            chord = (ends - portion.tokens) / length[:, None]
            of_state = portion.by_state((velocity - chord).square().mean(-1))
            yield Losses(of_state, share, distilling.groups(portion), portion.flops)

    def _current(self, parts: "Parts", step: int) -> "Path":
        """That of the updates to which a step belongs: a function of the weights before the first
        of them, behind which alone a run stops and goes on.
        """
        from train import distilling

        first = self.first(step)
        if self._path is None or self._path[0] != first or first == step:
            own = self.states == "student"
            asked = distilling.asking(parts, first)
            self._path = (
                first,
                distilling.path(
                    parts, asked, self.steps, self.teacher_steps, self.guidance, own=own
                ),
            )
        return self._path[1]
