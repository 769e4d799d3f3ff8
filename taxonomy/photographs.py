"""Whether an image is a photograph, and what its classes' probabilities are then worth.

The classifier was trained on photographs: what it says of them is truer than it claims, and what it
says of clip-art is less true. A linear head over CLIP's vector tells them apart, fitted on
photographs that anybody may use and on emoji.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.networks import heads
from curation.networks.heads import LinearHead
from taxonomy.tree import DATA

FILE = DATA / "photographs.safetensors"
SURE = 1.0  # log odds from which on it is taken for one
CLASSES = 1000


@cache
def fitted() -> LinearHead:
    """The head over vectors of the embedded CLIP: log odds of a photograph. Raises
    ``MissingModelError``.

    ``python -m benchmarks.fitting.photographs`` made it.
    """
    return heads.linear_head(FILE)


def is_photograph(vector: Sequence[float] | NDArray[np.floating[Any]]) -> bool:
    """Whether a vector of the embedded CLIP is that of a photograph. Raises
    ``MissingModelError``.
    """
    return fitted().score(np.asarray(vector, np.float32)) >= SURE


def sharpened(scores: Sequence[float], temperature: float) -> list[float]:
    """Probabilities of the likeliest classes, divided by a ``temperature`` (1: as they are) where
    probabilities are logarithms; what is left is spread over the other classes.
    """
    others = CLASSES - len(scores)
    left = max(0.0, 1 - sum(scores))
    powers = [score ** (1 / temperature) for score in scores]
    rest = others * (left / others) ** (1 / temperature) if others > 0 else 0.0
    total = sum(powers) + rest
    return [power / total for power in powers] if total else list(scores)
