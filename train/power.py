"""Power-function averages of weights (EDM2, arXiv 2312.02696, 3.1 and appendix C).

Weights of step t count with t^g in the average at step n, so that its width is a share of all that
was trained: the relative width s, the standard deviation of that profile over n. Averages of a few
widths, looked at now and then, are enough to make one of any width later: profiles of what was
stored are combined by least squares into the profile that is wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WIDEST = 0.28  # just below that of g = 0, which counts all steps alike


class Profile(NamedTuple):
    """The average of exponent ``gamma`` at ``step``."""

    gamma: float
    step: int


@dataclass(frozen=True)
class Power:
    """The average of relative ``width``, in (0, ``WIDEST``]."""

    width: float

    @property
    def gamma(self) -> float:
        """The exponent g: width = (g + 1)^1/2 / (g + 2) / (g + 3)^1/2, solved as a polynomial."""
        square = self.width**-2
        roots = np.roots([1, 7, 16 - square, 12 - square])
        return float(roots.real.max())

    def decay_at(self, step: int) -> float:
        """How much of the average the 1-based ``step`` leaves: (1 - 1/n)^(g + 1); nothing of what
        the weights began with.
        """
        return float((1 - 1 / step) ** (self.gamma + 1))


def coefficients(stored: Sequence[Profile], wanted: Profile) -> NDArray[np.float64]:
    """(K,) how much of each of the K ``stored`` averages the ``wanted`` one is made of, 1 in all.

    That they add up to 1 is asked for beside the nearest profile, by a Lagrange multiplier: the
    paper does not, and what it makes is then too small by what early steps count.
    """
    count = len(stored)
    system = np.ones((count + 1, count + 1))
    system[:count, :count] = [[_dot(each, other) for other in stored] for each in stored]
    system[count, count] = 0
    right = np.array([*(_dot(each, wanted) for each in stored), 1])
    solved: NDArray[np.float64] = np.linalg.lstsq(system, right, rcond=None)[0][:count]
    return solved


def _dot(*profiles: Profile) -> float:
    """The dot product of two profiles (appendix C, algorithm 3)."""
    first, last = sorted(profiles, key=lambda profile: profile.step)
    both = (first.gamma + 1) * (last.gamma + 1)
    ratio: float = (first.step / last.step) ** last.gamma
    return both * ratio / ((first.gamma + last.gamma + 1) * last.step)
