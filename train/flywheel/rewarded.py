"""How often a reward orders two images of one prompt as people do, or where nobody voted as the
benchmark does.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from train.figures import Rate, interval
from train.flywheel.cases import Case
from train.flywheel.settings import RewardBounds

Key = tuple[str, tuple[str, ...]]


def key(case: Case) -> Key:
    """What images of one prompt have in common, whichever model's they are."""
    return case.prompt, case.texts


def agreement(cases: Iterable[Case], apart: float) -> dict[str, dict[Key, Rate]]:
    """By name of a reward and by prompt, of how many pairs the order is right. A tie is none,
    be it of what is said of the images or of the reward.
    """
    groups: dict[Key, list[Case]] = defaultdict(list)
    for case in cases:
        if case.rewards:
            groups[key(case)].append(case)
    counts: dict[str, dict[Key, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for own, group in groups.items():
        for name, is_right in _pairs(group, apart):
            counts[name][own].append(is_right)
    return {
        name: {own: Rate(sum(of), len(of)) for own, of in by_prompt.items()}
        for name, by_prompt in sorted(counts.items())
    }


def _pairs(group: Sequence[Case], apart: float) -> Iterator[tuple[str, bool]]:
    for first, second in combinations(group, 2):
        order = _order(first, second, apart)
        for name in first.rewards.keys() & second.rewards.keys() if order else ():
            if first.rewards[name] != second.rewards[name]:
                yield name, (first.rewards[name] > second.rewards[name]) == (order > 0)


def _order(first: Case, second: Case, apart: float) -> float:
    """Above 0 where the first is better, below where the second is, 0 where neither is."""
    votes = [of.wins - of.losses for of in (first, second)]
    if votes[0] != votes[1]:
        return votes[0] - votes[1]
    difference = first.score - second.score
    return difference if abs(difference) >= apart else 0


def total(by_prompt: Mapping[Key, Rate]) -> Rate:
    """Of all prompts."""
    every = list(by_prompt.values())
    return Rate(sum(of.right for of in every), sum(of.of for of in every))


def distrusted(agreed: Mapping[str, Mapping[Key, Rate]], bounds: RewardBounds) -> tuple[str, ...]:
    """The rewards that order too few of enough pairs rightly, by the upper end of an interval."""
    named = {name: total(by_prompt) for name, by_prompt in agreed.items()}
    return tuple(
        name
        for name, rate in named.items()
        if rate.of >= bounds.pairs and interval(rate.right, rate.of)[1] < bounds.agrees
    )
