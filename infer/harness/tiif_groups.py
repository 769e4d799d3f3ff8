"""TIIF-Bench's groups of kinds, and the means over them.

Source: https://github.com/A113N-W3I/TIIF-Bench, eval/summary_dimension_results.py, by a public copy
of it.
"""

from collections.abc import Sequence, Set
from itertools import chain, product

import numpy as np

from infer.harness import metrics
from infer.harness.rows import Row

Groups = Sequence[Sequence[str]]


def _both(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    return tuple("+".join(pair) for pair in product(first, second))


_LOOKS, _PLACES = ("color", "texture"), ("2d", "3d")
_REASONING = ("numeracy", "comparison", "differentiation", "negation")
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "basic": {
        "attribute": ("shape+color", "color+texture", "texture+color", "shape+texture"),
        "relation": ("2d_spatial_relation", "3d_spatial_relation", "action+2d", "action+3d"),
        "reasoning": _REASONING,
    },
    "advanced": {
        "attribute+relation": (
            *_both(("action",), _LOOKS),
            *_both(("color", "shape", "texture"), _PLACES),
        ),
        "attribute+reasoning": _both(_REASONING, _LOOKS),
        "relation+reasoning": _both(_REASONING, _PLACES),
        "text": ("text",),
        "style": ("style",),
    },
    "designer": {"real world": ("real_world",)},
}


def named(kinds: Set[str]) -> dict[str, Groups]:
    """Of what kinds each figure is, of those that there are: ``overall`` is the mean of the nine
    groups' means, each part the mean of all its kinds, each group the mean of its own.
    """
    listed: dict[str, Groups] = {"overall": []}
    known, over = set[str](), list[list[str]]()
    for part, groups in GROUPS.items():
        here = {name: [kind for kind in of if kind in kinds] for name, of in groups.items()}
        here = {name: of for name, of in here.items() if of}
        if here:
            listed[part] = [[*chain(*here.values())]]
            known.update(*here.values())
            over += here.values()
        if len(groups) > 1:
            listed |= {f"{part} {name}": [of] for name, of in here.items()}
    listed["overall"] = over
    listed["kinds of no group"] = [sorted(kinds - known)]
    return {name: groups for name, groups in listed.items() if any(groups)}


def mean(name: str, rows: Sequence[Row], groups: Groups) -> metrics.Metric:
    """The mean over groups of the means over kinds of the share of right answers, pooled."""
    places = {kind: place for place, kind in enumerate(chain(*groups))}
    weights = np.array([1 / len(groups) / len(of) for of in groups for _ in of])
    own = [row for row in rows if row.facts["kind"] in places]

    def terms(row: Row) -> metrics.Floats:
        of_kinds = np.zeros((len(places), 2))
        of_kinds[places[row.facts["kind"]]] = row.values["right"], row.values["of"]
        return of_kinds.ravel()

    def of_sums(sums: metrics.Floats) -> metrics.Floats:
        kinds = metrics.ratio(sums.reshape(*sums.shape[:-1], -1, 2))
        return np.asarray(kinds @ weights)

    return metrics.formula(name, own, terms, of_sums, by_group=True)
