"""Fit the rules of ``curation/signals/data/defects.json`` anew and say what they catch and lose.

    python -m benchmarks.defects.fit ../shared/data --out /tmp/defects

Measures clean images and their damaged copies (kept in ``--out``), fits every rule in five folds of
which no two share a photograph, calibrates it on the folds it was not fitted on, and prints for
each the bound, what it catches at each strength and what clean images it loses. ``--write``
replaces the file; ``--plot`` draws stated against observed probability.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.defects import intervals, logistic, reliability
from benchmarks.defects.ladders import LADDERS, SHORTEST
from benchmarks.defects.measured import BLANK, CLEAN, FOLDS, PHOTO_KINDS, REFITTED, Table, table
from benchmarks.defects.recipes import PLANS, Plan, Target
from curation.configuration import loading
from curation.configuration.models import Stage
from curation.signals import defects
from curation.signals.defects import Rule

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]
NATURAL = 0.95  # quantile of the mean chroma of clean photographs


@dataclass(frozen=True)
class Fitted:
    """A rule, the probabilities (N,) of every row by folds that had not seen it, and its bound.

    ``dropped`` (N,) is by each fold's own bound, set without the fold. ``damaged`` and ``weights``
    are what it was fitted to; the weight of other rows is 0.
    """

    rule: Rule
    stated: Floats
    bound: float
    dropped: Rows
    damaged: Rows
    weights: Floats


def judged_clean(measured: Table) -> Rows:
    """Clean images as stored, large enough to pass S1, blank frames apart."""
    return (measured.ladders == CLEAN) & large(measured) & ~blank(measured)


def large(measured: Table) -> Rows:
    """Those with a short side of at least 256 pixels."""
    return np.asarray(measured.columns["short_side"] >= SHORTEST, np.bool_)


def blank(measured: Table) -> Rows:
    """Frames of one colour."""
    return np.asarray(measured.columns["luma_range"] < BLANK, np.bool_)


def chroma_floor(measured: Table) -> float:
    """Mean chroma that one clean photograph in twenty has."""
    photos = (measured.ladders == CLEAN) & np.isin(measured.kinds, PHOTO_KINDS) & large(measured)
    return float(np.quantile(measured.columns["chroma"][photos], NATURAL))


def damaged(measured: Table, target: Target, only: bool = False) -> Rows:
    """The target's rows from its strength on; ``only`` those at its strength."""
    floor = chroma_floor(measured) if target.change == "chroma" else float(target.change)
    of = (measured.ladders == target.ladder) & (measured.change >= floor)
    if only:
        return of & (measured.strengths == target.bar)
    sign = 1 if target.rising else -1
    return of & (sign * measured.strengths >= sign * target.strength)


def fit(measured: Table, plan: Plan) -> Fitted:
    """One rule, in folds and of all rows."""
    clean = np.isin(measured.ladders, (CLEAN, REFITTED)) & large(measured) & ~blank(measured)
    bad = np.any([damaged(measured, target) for target in plan.targets], axis=0)
    rows, folds = clean | bad, measured.folds
    weights = _weights(measured, plan, clean)
    unseen, parts = np.zeros(len(rows)), (plan.recipes, plan.products)
    for fold in range(FOLDS):
        chosen = rows & (folds != fold)
        part = logistic.rule(measured.where(chosen).columns, *parts, bad[chosen], weights[chosen])
        unseen[folds == fold] = logistic.scores(part, measured.where(folds == fold).columns)
    rule = logistic.rule(measured.where(rows).columns, *parts, bad[rows], weights[rows])
    rule = logistic.calibrated(rule, unseen[rows], bad[rows], weights[rows])
    stated = 1 / (1 + np.exp(-np.clip(rule.slope * unseen + rule.intercept, -30, 30)))
    at_bar, known = damaged(measured, plan.targets[0], only=True), judged_clean(measured)
    dropped = np.zeros(len(rows), np.bool_)
    for fold in range(FOLDS):
        inside = folds == fold
        bound = _bound(stated, at_bar & ~inside, known & ~inside, plan)
        dropped[inside] = stated[inside] > bound
    counted = np.where(rows, logistic.balanced(bad, weights), 0)
    return Fitted(rule, stated, _bound(stated, at_bar, known, plan), dropped, bad, counted)


def _weights(measured: Table, plan: Plan, clean: Rows) -> Floats:
    """Each photograph counts once among clean images, and each target once among damaged ones."""
    weights = np.zeros(len(clean))
    for number, rows in enumerate([clean, *(damaged(measured, of) for of in plan.targets)]):
        if number == 0:
            names = measured.names[rows]
            _, place, counts = np.unique(names, return_inverse=True, return_counts=True)
            weights[rows] = 1 / counts[place]
        else:
            weights[rows] = 1 / max(1, rows.sum())
    return weights


def _bound(stated: Floats, at_bar: Rows, clean: Rows, plan: Plan) -> float:
    """The strictest that still catches ``recall``, no lower than costs ``lost`` of the clean."""
    catching = float(np.quantile(stated[at_bar], 1 - plan.recall))
    losing = float(np.quantile(stated[clean], 1 - plan.lost))
    return float(np.floor(max(catching, losing) * 1000) / 1000)


def report(measured: Table, plans: Mapping[str, Plan], fitted: Mapping[str, Fitted]) -> None:
    """What each rule catches by strength, and what it and all together lose."""
    every = np.any([of.dropped for of in fitted.values()], axis=0)
    clean = judged_clean(measured)
    small = (measured.ladders == CLEAN) & ~blank(measured)
    for name, of in fitted.items():
        print(f"\n{name}: {{max: {of.bound:.3f}}}")
        for target in plans[name].targets:
            for strength in LADDERS[target.ladder].strengths:
                rows = damaged(measured, replace(target, bar=strength), only=True)
                caught = intervals.shown(int(of.dropped[rows].sum()), int(rows.sum()))
                mark = " <- bar" if strength == target.bar else ""
                print(f"  {target.ladder:14} {strength:6g}  {caught}{mark}")
        _lost(measured, of.dropped, {"clean": clean, "clean, small ones too": small})
    print("\nall rules together")
    _lost(measured, every, {"clean": clean, "clean, small ones too": small})
    refitted = (measured.ladders == REFITTED) & ~blank(measured)
    _lost(measured, every, {"clean, refitted": refitted})


def report_shipped(measured: Table, fitted: Mapping[str, Fitted], stage: Stage) -> None:
    """The same at the bounds of a stage as shipped; together with its single measurements."""
    at = {
        name: replace(of, bound=float(stage.bounds[name].max or 0))
        for name, of in fitted.items()
        if name in stage.bounds
    }
    at = {name: replace(of, dropped=of.stated > of.bound) for name, of in at.items()}
    print(f"\n== at the bounds of {stage.name}, by folds that had not seen the image")
    report(measured, {name: PLANS[name] for name in at}, at)
    every = np.any([of.dropped for of in at.values()], axis=0)
    for name, bound in stage.bounds.items():
        if name in measured.columns and name not in at:
            low = -np.inf if bound.min is None else bound.min
            high = np.inf if bound.max is None else bound.max
            values = measured.columns[name]
            broken = (values < low) | (values > high)
            print(f"\n{name}: {stage.bounds[name].model_dump(exclude_none=True)}")
            _lost(measured, broken, {"clean": judged_clean(measured)})
            every |= broken
    print(f"\nall of {stage.name}")
    _lost(measured, every, {"clean": judged_clean(measured)})


def _lost(measured: Table, dropped: Rows, groups: Mapping[str, Rows]) -> None:
    for label, rows in groups.items():
        print(f"  lost of {label:22} {intervals.shown(int((dropped & rows).sum()), rows.sum())}")
        names = measured.names[dropped & rows]
        if len(names) <= 12:
            print("    " + ", ".join(Path(name).name for name in names))


def main() -> None:
    """Read the arguments, measure, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="folder with a manifest.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is measured")
    parser.add_argument("--every", type=int, default=1, help="damage every n-th photograph")
    parser.add_argument("--write", action="store_true", help="replace the rules of the signals")
    parser.add_argument("--plot", type=Path, help="SVG file of the reliability")
    arguments = parser.parse_args()
    measured = table(arguments.folder, arguments.out, arguments.every)
    fitted = {name: fit(measured, plan) for name, plan in PLANS.items()}
    report(measured, PLANS, fitted)
    for stage in loading.load(None).stages:
        if stage.bounds.keys() & fitted.keys():
            report_shipped(measured, fitted, stage)
    if arguments.plot:
        arguments.plot.write_text(reliability.plot(fitted), encoding="utf-8")
    if arguments.write:
        rules = {name: of.rule for name, of in fitted.items()}
        defects.FILE.write_text(logistic.as_json(rules), encoding="utf-8")


if __name__ == "__main__":
    main()
