"""What became of the rows that quotas limit, as the funnel counts it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.configuration.models import Pipeline
from curation.judging.quotas import Limited
from curation.judging.thresholds import Thresholds

_ByCategory = dict[str, dict[str, dict[str, Any]]]  # by quota, stage and category


@dataclass
class QuotaCounts:
    """``kept`` are how many rows are kept, by the deepest stage they pass; ``thresholds`` the bound
    of a stage, None where all pass, and the rows it was found among (None for a share).
    """

    kept: _ByCategory = field(default_factory=dict)
    thresholds: _ByCategory = field(default_factory=dict)

    def add(self, other: "QuotaCounts") -> None:
        """Add other rows."""
        for quota, stages in other.kept.items():
            for stage, categories in stages.items():
                total = self.kept.setdefault(quota, {}).setdefault(stage, {})
                for name, number in categories.items():
                    total[name] = total.get(name, 0) + number
        for quota, stages in other.thresholds.items():
            for stage, categories in stages.items():
                self.thresholds.setdefault(quota, {}).setdefault(stage, {}).update(categories)

    def count(
        self,
        limited: Limited,
        kept: NDArray[np.bool_],
        depth: NDArray[np.int16],
        thresholds: Thresholds,
        pipeline: Pipeline,
    ) -> None:
        """Add the rows of one unit: ``kept`` (N,), passing so many stages (``depth``, (N,))."""
        if not limited.rows.any():
            return
        quota, names = limited.quota.name, [stage.name for stage in pipeline.stages]
        here = {limited.names[of] for of in np.unique(limited.category).tolist() if of >= 0}
        for stage, categories in thresholds.get(quota, {}).items():
            shown = {
                name: [of.bound if math.isfinite(of.bound) else None, of.of]
                for name, of in categories.items()
                if name in here
            }
            if shown:
                self.thresholds.setdefault(quota, {}).setdefault(names[stage], {}).update(shown)
        rows = kept & limited.rows
        pairs = np.stack([limited.category[rows], depth[rows]])
        distinct, numbers = np.unique(pairs, axis=1, return_counts=True)
        for category, passed, number in zip(*distinct.tolist(), numbers.tolist(), strict=True):
            total = self.kept.setdefault(quota, {}).setdefault(names[passed - 1], {})
            name = limited.names[category]
            total[name] = total.get(name, 0) + number

    def as_json(self, stages: Sequence[str], kept: Mapping[str, int]) -> _ByCategory:
        """By quota, stage and category: how many rows that pass it are kept, of how many, and the
        threshold. ``kept`` are all kept rows by the deepest of the ``stages`` they pass.
        """
        content: _ByCategory = {}
        for quota in sorted(self.thresholds):
            deepest = self.kept.get(quota, {})
            for number, stage in enumerate(stages):
                deeper, known = stages[number:], self.thresholds[quota].get(stage, {})
                all_kept = sum(kept[name] for name in deeper)
                for category, (bound, of) in sorted(known.items()):
                    passing = sum(deepest.get(name, {}).get(category, 0) for name in deeper)
                    entry = {
                        "kept": passing,
                        "of": all_kept if of is None else of,
                        "threshold": bound,
                    }
                    content.setdefault(quota, {}).setdefault(stage, {})[category] = entry
        return content
