"""What quotas left, in words: of the funnel, the report and ``beam judge`` alike."""

from collections.abc import Mapping
from typing import Any

from curation.report import text

CATEGORIES_SHOWN = 10

Counted = Mapping[str, Mapping[str, Mapping[str, Any]]]  # as in run.json: by quota, stage, category


def lines(counted: Counted) -> list[str]:
    """One for each quota and stage: how many rows of each category are kept, of how many."""
    return [
        f"quota {name} from {stage} on: {_categories(categories)}"
        for name, stages in counted.items()
        for stage, categories in stages.items()
    ]


def changes(before: Counted, after: Counted) -> list[str]:
    """One for each quota and stage: what was kept, and what would be."""
    places = {(name, stage): 0 for of in (before, after) for name in of for stage in of[name]}
    return [
        f"quota {name} from {stage} on: "
        + " -> ".join(_categories(of.get(name, {}).get(stage)) for of in (before, after))
        for name, stage in places
    ]


def _categories(categories: Mapping[str, Any] | None) -> str:
    if categories is None:
        return "no limit"
    shown = [
        f"{of['kept']} of {of['of']} {text.prose(category, 60)} ({_part(of)} %)"
        for category, of in [*categories.items()][:CATEGORIES_SHOWN]
    ]
    if len(categories) > CATEGORIES_SHOWN:
        shown.append(f"and {len(categories) - CATEGORIES_SHOWN} more categories, see run.json")
    return ", ".join(shown)


def _part(of: Mapping[str, Any]) -> str:
    return f"{100 * of['kept'] / of['of']:.2f}" if of["of"] else "0"


def budget(quota: Mapping[str, Any]) -> str:
    """What a quota of a configuration allows."""
    by = quota["by"]
    if "share" in quota:
        parts = (f"{text.figure(100 * part)} % {name}" for name, part in quota["share"].items())
        return ", ".join(parts)
    if "fraction" in quota:
        return f"{text.figure(100 * quota['fraction'])} % of each {by}"
    return f"{text.count(quota['count'])} of each {by}"
