"""All units of a run judged in one process, one unit in memory at a time."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from curation.groupings.duplicates import representatives
from curation.groupings.duplicates.near import Edges, Hashes
from curation.groupings.duplicates.representatives import CONTENT, PAIR, Members, Winners
from curation.groupings.grouping import concluded
from curation.judging.decision import Decision
from curation.judging.histogram import Histogram
from curation.judging.thresholds import of_step
from curation.judging.verdicts import NONE, Judge


def winners(judge: Judge, units: Sequence[str], join: Callable[[Hashes], Edges]) -> Winners:
    """The winners among all units, in one process; ``join`` gives the edges of hashes.

    Memory: 8 bytes a row and what the judge holds; as much again of rows that may be copies.
    """
    hashes = np.concatenate([judge.hashes(unit) for unit in units])
    edges = join(hashes)
    shared = Members(representatives.hot(hashes, edges))
    del hashes
    contenders = {unit: _contenders(judge, unit, shared) for unit in units}
    equal = [_shared(contenders.values(), kind) for kind in (CONTENT, PAIR)]
    quality = judge.pipeline.quality
    rows = pa.concat_tables(
        representatives.narrowed(judge.named(unit, of, equal[0]), equal, quality)
        for unit, of in contenders.items()
    )
    return representatives.winners(rows, equal, edges, quality)


def _shared(contenders: Iterable[pa.Table], kind: int) -> Members:
    """The tokens of one kind that several of the rows have."""
    tokens = [representatives.tokens(of, kind) for of in contenders]
    return Members(representatives.hot(np.concatenate(tokens), np.empty(0, np.uint64)))


def _contenders(judge: Judge, unit: str, hot: Members) -> pa.Table:
    contenders = judge.reading(unit, hot).contenders
    assert contenders is not None
    return contenders


def sum_up(judge: Judge, units: Sequence[str], winners: Winners) -> None:
    """Let the judge know what each grouping beside duplicates knows of all units."""
    for grouping in judge.others:
        summaries = (judge.summary(unit, grouping, winners) for unit in units)
        summary = functools.reduce(grouping.merge, summaries)
        judge.wholes[grouping.name] = concluded(grouping, summary)


def decisions(
    judge: Judge, units: Sequence[str], winners: Winners
) -> Iterator[tuple[str, Decision]]:
    """Every unit's decision, in one process.

    Units that hold rows which a quota limits come last: their verdicts depend on all units. They
    are judged once more for each step of the quotas, by the thresholds of those before it.
    """
    free, total = Histogram(), Histogram()
    for unit in units:
        decision = judge.decide(unit, winners)
        if judge.steps:
            of_unit = judge.counted(unit, decision, judge.steps[0])
            (total if decision.waits else free).add(of_unit)
        if not decision.waits:
            yield unit, decision
    waiting, thresholds = total.units, NONE
    for number, step in enumerate(judge.steps):
        if number:
            total = Histogram()
            for unit in waiting:
                total.add(judge.counted(unit, judge.decide(unit, winners, thresholds), step))
        total.add(free)
        thresholds = of_step(total, step, thresholds, judge.pipeline)
    for unit in waiting:
        yield unit, judge.decide(unit, winners, thresholds)
