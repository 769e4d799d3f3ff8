"""All units of a run judged in one process, one unit in memory at a time."""

import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from curation.groupings.duplicates import near, representatives
from curation.groupings.duplicates.near import Edges, Hashes
from curation.groupings.duplicates.representatives import HASH, Members, Winners
from curation.judging import quotas
from curation.judging.decision import Decision
from curation.judging.histogram import Histogram
from curation.judging.quotas import OfStages
from curation.judging.verdicts import Judge


def winners(judge: Judge, units: Sequence[str], join: Callable[[Hashes], Edges]) -> Winners:
    """The winners among all units, in one process; ``join`` gives the edges of hashes.

    Memory: 8 bytes a row, 8 more for each hot one, and about 200 for each hot token of each unit.
    """
    hashes = np.concatenate([judge.hashes(unit) for unit in units])
    edges = join(hashes)
    shared = Members(representatives.hot(hashes, edges))
    del hashes
    contents = np.concatenate([judge.contents(unit, shared) for unit in units])
    hot = shared, Members(representatives.hot(contents, np.empty(0, np.uint64)))
    del contents
    found = [judge.competing(unit, hot) for unit in units]
    quality = judge.pipeline.quality
    own, exact = (
        representatives.best(pa.concat_tables(of_kind), quality, kind)
        for kind, of_kind in enumerate(zip(*found, strict=True))
    )
    around = representatives.best_neighbours(own, near.both_ways(edges), quality)
    return Winners((representatives.best(pa.concat_tables([own, around]), quality, HASH), exact))


def sum_up(judge: Judge, units: Sequence[str]) -> None:
    """Let the judge know what each grouping beside duplicates knows of all units."""
    for grouping in judge.others:
        summaries = (judge.summary(unit, grouping) for unit in units)
        judge.wholes[grouping.name] = functools.reduce(grouping.merge, summaries)


def decisions(
    judge: Judge, units: Sequence[str], winners: Winners
) -> Iterator[tuple[str, Decision]]:
    """Every unit's decision, in one process.

    Units that hold rows which a quota limits come last: their verdicts depend on all units. They
    are judged once more for each quota, by the thresholds of those before it.
    """
    free, total = Histogram(), Histogram()
    for unit in units:
        decision = judge.decide(unit, winners)
        if decision.limited:
            of_unit = judge.counted(unit, decision)
            (total if decision.waits else free).add(of_unit)
        if not decision.waits:
            yield unit, decision
    waiting, thresholds = total.units, dict[str, OfStages]()
    for number, quota in enumerate(judge.pipeline.quotas):
        if number:
            total = Histogram()
            for unit in waiting:
                total.add(judge.counted(unit, judge.decide(unit, winners, thresholds), number))
        total.add(free)
        thresholds[quota.name] = quotas.thresholds(total, quota, judge.pipeline)
    for unit in waiting:
        yield unit, judge.decide(unit, winners, thresholds)
