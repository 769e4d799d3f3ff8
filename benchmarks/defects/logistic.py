"""Logistic rules: transforms of measurements, ridge-penalised fits by Newton's method, Platt.

Newton's method on the penalised likelihood is iteratively reweighted least squares (Hastie et al.,
"The Elements of Statistical Learning", 2nd edition, section 4.4.1). Probabilities are calibrated
after Platt, "Probabilistic outputs for support vector machines", 1999: a second logistic fit, on
the scores of images that the first was not fitted on.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.signals.defects import LIMIT, Product, Rule, Term, Transform

Floats = NDArray[np.float64]
RIDGE = 2e-4  # of the sum of the weights: keeps weights finite where classes separate
STEPS = 40
LONGEST_STEP = 5.0


def transformed(values: Floats, transform: Transform, offset: float) -> Floats:
    """What the rule sees of a column."""
    if transform == "identity":
        return values
    return np.sqrt(values) if transform == "sqrt" else np.log(values + offset)


@dataclass(frozen=True)
class Recipe:
    """A column of a rule: its transform, and what is added before a logarithm."""

    column: str
    transform: Transform = "identity"
    offset: float = 0.0


def fit(design: Floats, damaged: NDArray[np.bool_], weights: Floats) -> Floats:
    """Constant and weights (1 + F,) of standardised columns (N, F)."""
    rows = np.c_[np.ones(len(design)), design]
    ridge = np.eye(rows.shape[1]) * RIDGE * weights.sum()
    ridge[0, 0] = 1e-9 * weights.sum()
    found = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        probability = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        curvature = weights * probability * (1 - probability) + 1e-9
        slope = rows.T @ (weights * (damaged - probability)) - ridge @ found
        step = np.linalg.solve((rows * curvature[:, None]).T @ rows + ridge, slope)
        length = float(np.linalg.norm(step))
        found += step * min(1.0, LONGEST_STEP / max(length, 1e-12))
        if length < 1e-6:
            break
    return found


def balanced(damaged: NDArray[np.bool_], weights: Floats) -> Floats:
    """The weights with both classes brought to the same sum: an even prior."""
    sums = weights[damaged].sum(), weights[~damaged].sum()
    return weights / np.where(damaged, *sums)


def rule(
    table: Mapping[str, Floats],
    recipes: Sequence[Recipe],
    products: Sequence[tuple[str, str]],
    damaged: NDArray[np.bool_],
    weights: Floats,
) -> Rule:
    """A rule fitted to all rows, not calibrated yet."""
    terms = [_term(recipe, table[recipe.column]) for recipe in recipes]
    pairs = [Product(first=first, second=second, weight=0.0) for first, second in products]
    design = _design(terms, pairs, table)
    found = [_short(value) for value in fit(design, damaged, balanced(damaged, weights))]
    single = zip(terms, found[1:], strict=False)
    paired = zip(pairs, found[1 + len(terms) :], strict=True)
    return Rule(
        constant=found[0],
        terms=tuple(of.model_copy(update={"weight": weight}) for of, weight in single),
        products=tuple(of.model_copy(update={"weight": weight}) for of, weight in paired),
    )


def _term(recipe: Recipe, values: Floats) -> Term:
    seen = transformed(values, recipe.transform, recipe.offset)
    return Term(
        column=recipe.column,
        transform=recipe.transform,
        offset=recipe.offset,
        mean=_short(float(seen.mean())),
        deviation=_short(float(seen.std()) + 1e-9),
        weight=0.0,
    )


def _design(
    terms: Sequence[Term], products: Sequence[Product], table: Mapping[str, Floats]
) -> Floats:
    """Standardised columns and their products: (N, F)."""
    seen = {}
    for term in terms:
        value = transformed(table[term.column], term.transform, term.offset)
        seen[term.column] = np.clip((value - term.mean) / term.deviation, -LIMIT, LIMIT)
    pairs = [seen[of.first] * seen[of.second] for of in products]
    return np.stack([*(seen[term.column] for term in terms), *pairs], axis=1)


def scores(of: Rule, table: Mapping[str, Floats]) -> Floats:
    """The rule's score (N,) before calibration, as the signal computes it."""
    weights = [part.weight for part in (*of.terms, *of.products)]
    return np.asarray(of.constant + _design(of.terms, of.products, table) @ weights, np.float64)


def calibrated(of: Rule, unseen: Floats, damaged: NDArray[np.bool_], weights: Floats) -> Rule:
    """The rule with Platt's slope and intercept, from scores of rows it was not fitted on."""
    intercept, slope = fit(unseen[:, None], damaged, balanced(damaged, weights))
    return of.model_copy(update={"slope": _short(slope), "intercept": _short(intercept)})


def as_json(rules: Mapping[str, Rule]) -> str:
    """The file that the signals read."""
    return json.dumps({name: of.model_dump() for name, of in rules.items()}, indent=1) + "\n"


def _short(value: float) -> float:
    return float(f"{value:.5g}")
