"""The share of drawn pictures among those that are kept.

A drawn picture (column ``synthetic``) has a *draw*, a number that hangs on the seed and its id
alone. Of the drawn pictures that pass everything else those with the smallest draws are kept, as
many as make the share: a *cut-off* says up to which draw. Another cut-off keeps more of the same or
fewer of the same, and neither the order of rows nor where they are judged changes one.

A cut-off is found from how many rows have which draw. That is a table of a fixed size, and tables
of parts of the rows add up to it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from curation.configuration.models import Pipeline

DRAWS = 65_536  # different draws: a cut-off is true to about one drawn picture in so many


def draws(ids: Iterable[str], seed: int) -> NDArray[np.int32]:
    """The draws of pictures with these ids, from 1 to ``DRAWS``: (N,)."""
    found = [_digest(f"{seed}/{identity}") for identity in ids]
    return np.frombuffer(b"".join(found), ">u2").astype(np.int32) + 1


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=2).digest()


def as_values(draw: NDArray[np.int32]) -> NDArray[np.float64]:
    """Draws as ledgers tell them: above 0, up to 1; 0 for what is not drawn."""
    return draw / DRAWS


@dataclass
class Tally:
    """How many kept rows have which draw (0: not drawn) and pass how many stages.

    ``places`` (K,) are draw * (stages + 1) + passed, ascending; ``numbers`` (K,) how many rows
    stand there. ``units`` are the units that hold a drawn picture.
    """

    places: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    numbers: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    units: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Add other rows."""
        places = np.concatenate([self.places, other.places])
        if len(places):
            numbers = np.concatenate([self.numbers, other.numbers])
            total = np.bincount(places, numbers).astype(np.int64)
            self.places = np.flatnonzero(total)
            self.numbers = total[self.places]
        self.units += other.units


def tally(draw: NDArray[np.int32] | None, passed: NDArray[np.int16], stages: int) -> Tally:
    """The table of kept rows (N,) with these draws (or none), each passing so many stages."""
    places = passed if draw is None else draw.astype(np.int64) * (stages + 1) + passed
    total = np.bincount(places)
    found = np.flatnonzero(total)
    return Tally(found, total[found])


def cut_offs(found: Tally, pipeline: Pipeline) -> dict[int, float]:
    """By number of stage the largest draw (0 to 1) that passes it; empty without drawn pictures.

    At the configured stage and at every later one, at most the share of what passes is drawn. A
    later stage never lets pass what an earlier one stopped. Where nothing else passes there is no
    mix to be a share of, and all may pass: drawn pictures can be curated alone.
    """
    if pipeline.synthetic is None or not found.units:
        return {}
    stages = len(pipeline.stages)
    table = np.zeros((DRAWS + 1, stages + 1), np.int64)
    table.ravel()[found.places] = found.numbers
    share = Fraction(str(pipeline.synthetic.share))  # as it is written: 0.05 is a twentieth
    largest: dict[int, float] = {}
    most = DRAWS
    for stage in range(pipeline.number_of(pipeline.synthetic.stage), stages):
        passing = table[:, stage + 1 :].sum(axis=1)
        if passing[0]:
            wanted = int(int(passing[0]) * share / (1 - share))
            up_to = np.cumsum(passing[1:])  # drawn pictures, by the largest draw among them
            most = min(most, int(np.searchsorted(up_to, wanted, side="right")))
        largest[stage] = most / DRAWS
    return largest
