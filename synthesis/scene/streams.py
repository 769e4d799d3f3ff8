"""Random numbers by step: one generator for all steps of an image, or one for each of them.

With one for each, a step can be done another way and all others come out as they were.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

Streams = Callable[[str], Random]  # from the name of a step to its random numbers


def together(random: Random) -> Streams:
    """One generator that all steps take from, in their order."""
    return lambda step: random


def apart(seed: int) -> Streams:
    """A generator for each step, which begins anew every time it is asked for."""
    return lambda step: Random(f"{seed}/{step}")


class Steered(Random):
    """The random numbers of another generator, but what is chosen from ``options`` is ``turned``
    into something else. As many numbers are taken.
    """

    def __init__(self, random: Random, options: Sequence[T], turned: Callable[[T], T]) -> None:
        super().__init__()
        self.setstate(random.getstate())
        self._options, self._turned = options, turned

    def choice(self, seq: Any) -> Any:
        """One of them, or what it is turned into."""
        chosen = super().choice(seq)
        return self._turned(chosen) if seq is self._options else chosen
