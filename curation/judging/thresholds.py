"""The thresholds that make the budgets of quotas, found stage by stage.

A quota counts the rows that pass everything before it, by stages and in a stage by the order of
quotas: at a later stage it sees no row that another quota stopped before, as no model does. So
thresholds are found in *steps*, a quota at a stage, or at several where no other quota comes
between; each from how many rows of a category have which rank (``judging.histogram``) by the
thresholds of the steps before it. Neither the order of rows nor where they are judged changes one.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.configuration.models import Pipeline, Quota
from curation.judging import budgets, ranks
from curation.judging.budgets import Passing
from curation.judging.histogram import Histogram
from curation.judging.ranks import LEVELS


class Threshold(NamedTuple):
    """The last ``level`` of a category that passes a stage, and the ``bound`` of its ranks.

    ``of`` are the rows it was found among, or None for a share: that is of all that passes.
    """

    bound: float
    of: int | None
    level: int = LEVELS


OfStages = Mapping[int, Mapping[str, Threshold]]  # by number of stage and category
Thresholds = Mapping[str, OfStages]  # by name of quota; empty for one that is not known yet


class Step(NamedTuple):
    """The quota of this ``number``, and the ``stages`` of which thresholds are found together."""

    number: int
    stages: tuple[int, ...]


def steps(pipeline: Pipeline) -> tuple[Step, ...]:
    """The steps in which the thresholds of all quotas are found, in their order.

    A share is held in each stage, by what is left there; a fraction or a count is one of its stage
    ``since``, and stands in the later ones as it is.
    """
    ordered: list[Step] = []
    for stage in range(len(pipeline.stages)):
        for number, quota in enumerate(pipeline.quotas):
            since = pipeline.number_of(quota.since)
            if stage < since or (stage > since and quota.share is None):
                continue
            if ordered and ordered[-1].number == number:
                ordered[-1] = Step(number, (*ordered[-1].stages, stage))
            else:
                ordered.append(Step(number, (stage,)))
    return tuple(ordered)


def of_step(total: Histogram, step: Step, known: Thresholds, pipeline: Pipeline) -> Thresholds:
    """The thresholds ``known``, and those of a step, of all categories that occur in ``total``.

    A later stage never lets pass what an earlier one stopped, and what was stopped counts no more.
    """
    part = total.added()
    if not total.units or not part.names:
        return known
    quota = pipeline.quotas[step.number]
    before = known.get(quota.name, {})
    earlier = dict(before.get(step.stages[0] - 1, {}))
    most = np.array([earlier[of].level if of in earlier else LEVELS for of in part.names], np.int64)
    occurring = [part.names[of] for of in np.unique(part.category) if of >= 0]
    of_stages = dict(before)
    last = len(pipeline.stages) if quota.share is None else step.stages[-1] + 1
    for stage in range(step.stages[0], last):
        passing = Passing(part, part.passed > stage)
        rows = passing.within(most)
        if stage in step.stages:
            wanted = budgets.wanted(quota, passing, most)
            most = np.minimum(most, passing.levels_of(wanted))
        counted = [None] * len(rows) if quota.share is not None else rows
        by_name = dict(zip(part.names, _thresholds(quota, most, counted), strict=True))
        of_stages[stage] = earlier = earlier | {name: by_name[name] for name in occurring}
    return {**known, quota.name: of_stages}


def _thresholds(
    quota: Quota, most: NDArray[np.int64], of: list[int] | list[None]
) -> list[Threshold]:
    """That of each category (C,), found among so many rows."""
    levels = most.tolist()
    bounds = [
        level / LEVELS if quota.order is None else ranks.least_value(level) for level in levels
    ]
    return list(map(Threshold, bounds, of, levels))
