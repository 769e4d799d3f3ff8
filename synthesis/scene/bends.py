"""How a sheet may be bent: smooth maps of the plane onto itself, and back."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (N, 2): x, y
_ROUNDS = 8  # of the fixed point: a wave moves points by less than half their distance


class Bend(Protocol):
    """How a sheet is bent, as a smooth map of the plane onto itself and back."""

    def forward(self, points: Points) -> Points:
        """Where points of the flat sheet are seen."""
        ...

    def inverse(self, points: Points) -> Points:
        """Which points of the flat sheet are seen there."""
        ...


@dataclass(frozen=True)
class Flat:
    """No bend."""

    def forward(self, points: Points) -> Points:
        """The points as they are."""
        return points

    def inverse(self, points: Points) -> Points:
        """The points as they are."""
        return points


@dataclass(frozen=True)
class Cylinder:
    """A sheet around an upright cylinder, seen from far and by ``rise`` from above or below.

    ``centre`` is the x of the line nearest to the eye, ``radius`` is in pixels; ``rise`` is how
    far the sides of a horizontal line are above its middle, as a share of their depth.
    """

    centre: float
    radius: float
    rise: float

    def forward(self, points: Points) -> Points:
        """Around the cylinder; points behind it land on its edge."""
        angle = np.clip((points[:, 0] - self.centre) / self.radius, -np.pi / 2, np.pi / 2)
        depth = (1 - np.cos(angle)) * self.radius
        x = self.centre + self.radius * np.sin(angle)
        return np.stack([x, points[:, 1] - self.rise * depth], axis=1)

    def inverse(self, points: Points) -> Points:
        """Off the cylinder; what is beside it lands far outside of any sheet."""
        sine = (points[:, 0] - self.centre) / self.radius
        angle = np.arcsin(np.clip(sine, -1, 1))
        beside = np.where(np.abs(sine) > 1, 100.0 * self.radius * np.sign(sine), 0.0)
        depth = (1 - np.cos(angle)) * self.radius
        x = self.centre + self.radius * angle + beside
        return np.stack([x, points[:, 1] + self.rise * depth], axis=1)


@dataclass(frozen=True)
class Wave:
    """A sheet that lies in soft waves: each moves points by (dx, dy) times the sine of a phase.

    A term is (dx, dy, kx, ky, phase): pixels, pixels, radians per pixel (twice), radians.
    """

    terms: tuple[tuple[float, float, float, float, float], ...]

    def _moved(self, points: Points) -> Points:
        moved = np.zeros_like(points)
        for dx, dy, kx, ky, phase in self.terms:
            sine = np.sin(points[:, 0] * kx + points[:, 1] * ky + phase)
            moved[:, 0] += dx * sine
            moved[:, 1] += dy * sine
        return moved

    def inverse(self, points: Points) -> Points:
        """Straight: the sum of the waves there."""
        return points + self._moved(points)

    def forward(self, points: Points) -> Points:
        """The fixed point of ``inverse``, exact to a thousandth of a pixel for soft waves."""
        fixed = points
        for _ in range(_ROUNDS):
            fixed = points - self._moved(fixed)
        return fixed


FLAT = Flat()
