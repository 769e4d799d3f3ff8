"""Random numbers by step: one generator for all steps of an image, or one for each of them.

With one for each, a step can be done another way and all others come out as they were.
"""

from collections.abc import Callable
from random import Random

Streams = Callable[[str], Random]  # from the name of a step to its random numbers


def together(random: Random) -> Streams:
    """One generator that all steps take from, in their order."""
    return lambda step: random


def apart(seed: int) -> Streams:
    """A generator for each step, which begins anew every time it is asked for."""
    return lambda step: Random(f"{seed}/{step}")
