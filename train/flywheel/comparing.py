"""What a round changed: shares of right images before and after, of the same prompts and seeds."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from train.figures import Rate
from train.flywheel import misread, words
from train.flywheel.cases import Case

_RESAMPLES = 2000


@dataclass(frozen=True)
class Change:
    """Right images of a ``name``'s prompts before and after; the difference of the shares with a
    95 % interval, from resamples of prompts.
    """

    name: str
    before: Rate
    after: Rate
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Character:
    """How often a character is right where it was asked for, before and after; how many training
    images showed it, and how many were ``added``.
    """

    character: str
    images: int
    added: int
    before: Rate
    after: Rate


Pair = tuple[Case, Case]


def pairs(before: Iterable[Case], after: Iterable[Case]) -> list[Pair]:
    """The images of the same prompt and repetition."""
    later = {(case.prompt_id, case.k): case for case in after}
    both = ((case, later.get((case.prompt_id, case.k))) for case in before)
    return [(first, second) for first, second in both if second is not None]


def asked(case: Case) -> str:
    """The characters that it is to show."""
    return misread.plain(case.texts or words.quoted(case.prompt))


def changes(every: Sequence[Pair], added: Mapping[str, int], right: float) -> list[Change]:
    """Of all prompts, of those with a character that was added, and of the others."""
    parts: dict[str, Callable[[Pair], bool]] = {
        "all": lambda pair: True,
        "with a character that was added": lambda pair: bool(set(asked(pair[0])) & added.keys()),
        "with none of them": lambda pair: not set(asked(pair[0])) & added.keys(),
    }
    return [change(name, list(filter(of, every)), right) for name, of in parts.items()]


def change(name: str, own: Sequence[Pair], right: float) -> Change:
    """The change of some pairs of images."""
    rights = np.array([[of.is_right(right) for of in pair] for pair in own], np.float64)
    rights = rights.reshape(-1, 2)
    before, after = (Rate(int(column.sum()), len(column)) for column in rights.T)
    if not own:
        return Change(name, before, after, 0.0, 0.0, 0.0)
    prompts = np.unique([pair[0].prompt_id for pair in own], return_inverse=True)[1]
    gains = np.zeros((prompts.max() + 1, 2))
    np.add.at(gains, prompts, np.stack([rights[:, 1] - rights[:, 0], np.ones(len(own))], 1))
    chance = np.random.default_rng(0)
    chosen = chance.integers(0, len(gains), (_RESAMPLES, len(gains)))
    sums = gains[chosen].sum(1)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], (0.025, 0.975)).tolist()
    difference = float((rights[:, 1] - rights[:, 0]).mean())
    return Change(name, before, after, difference, low, high)


def characters(
    every: Sequence[Pair], images: Mapping[str, int], added: Mapping[str, int]
) -> list[Character]:
    """Of each character that was added, and of each that is still misread, the worst first."""
    rates = [_rates(pair[place] for pair in every) for place in (0, 1)]
    wanted = {of for of in rates[0] if of in added or rates[0][of].right < rates[0][of].of}
    made = [
        Character(of, images.get(of, 0), added.get(of, 0), rates[0][of], rates[1][of])
        for of in wanted
    ]
    return sorted(made, key=lambda of: (not of.added, of.before.right / of.before.of, of.character))


def _rates(every: Iterable[Case]) -> dict[str, Rate]:
    places, wrong = Counter[str](), Counter[str]()
    for case in every:
        own = asked(case)
        places.update(own)
        wrong.update(own if case.missing else misread.failed([own], case.read or ""))
    return {of: Rate(number - wrong[of], number) for of, number in places.items()}
