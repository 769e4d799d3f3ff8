"""What quotas left, in words: of the funnel, the report and ``beam judge`` alike."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from curation.report import text

CATEGORIES_SHOWN = 10
BETWEEN = " | "  # the values of a category of several columns

Counted = Mapping[str, Mapping[str, Mapping[str, Any]]]  # as in run.json: by quota, stage, category


def lines(counted: Counted) -> list[str]:
    """How many rows of each category are kept, of how many: one for each quota and each stage from
    which on that is another number, and not nothing of nothing.
    """
    said: dict[str, str] = {}
    for name, stages in counted.items():
        before = ""
        for stage, categories in stages.items():
            now = _categories({of: n for of, n in categories.items() if n["of"]})
            if now != before and now:
                said[f"quota {name} from {stage} on"] = now
            before = now
    return [f"{place}: {now}" for place, now in said.items()]


def changes(before: Counted, after: Counted) -> list[str]:
    """One for each quota and stage: what was kept, and what would be."""
    places = {(name, stage): 0 for of in (before, after) for name in of for stage in of[name]}
    return [
        f"quota {name} from {stage} on: "
        + _change(*(of.get(name, {}).get(stage) for of in (before, after)))
        for name, stage in places
    ]


def _change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """Of many categories only those that change, the most first, and how many are kept of all."""
    names = dict.fromkeys([*(before or {}), *(after or {})])
    if before is None or after is None or len(names) <= CATEGORIES_SHOWN:
        return " -> ".join(map(_categories, (before, after)))
    kept = {name: [of.get(name, {"kept": 0})["kept"] for of in (before, after)] for name in names}
    changed = sorted((name for name in names if kept[name][0] != kept[name][1]),
                     key=lambda name: -abs(kept[name][1] - kept[name][0]))  # fmt: skip
    total = " -> ".join(str(sum(of[side] for of in kept.values())) for side in (0, 1))
    said = [f"{total} kept in {len(names)} categories"]
    said += [f"{text.prose(name, 60)} {kept[name][0]} -> {kept[name][1]}" for name in changed]
    return ", ".join(said[: CATEGORIES_SHOWN + 1])


def _categories(categories: Mapping[str, Any] | None) -> str:
    if categories is None:
        return "no limit"
    order = list(categories.items())
    if len(order) > CATEGORIES_SHOWN:  # those of most rows, and of some
        order = sorted((of for of in order if of[1]["of"]), key=lambda of: -of[1]["of"])
    shown = [
        f"{of['kept']} of {of['of']} {text.prose(category, 60)} ({_part(of)} %)"
        for category, of in order[:CATEGORIES_SHOWN]
    ]
    if len(order) > CATEGORIES_SHOWN:
        rest = [of for _, of in order[CATEGORIES_SHOWN:]]
        kept, total = (sum(of[name] for of in rest) for name in ("kept", "of"))
        shown.append(f"{kept} of {total} in {len(rest)} more categories, see run.json")
    return ", ".join(shown)


def problems(quotas: Mapping[str, Mapping[str, Any]], counted: Counted) -> list[str]:
    """Which shares limit nothing, name what no row is, or are held down by a scarce category.

    ``quotas`` are those of a configuration, of which each is told of the stage it starts with.
    """
    shared = {name: quota for name, quota in quotas.items() if "share" in quota}
    return [
        f"quota {name}: {said}"
        for name, quota in shared.items()
        for said in (_joint if quota.get("also") else _problems)(
            quota, counted.get(name, {}).get(quota["since"], {})
        )
    ]


def _joint(quota: Mapping[str, Any], cells: Mapping[str, Any]) -> Iterator[str]:
    """How large the mix by several columns is, which value no row has, and which holds it down."""
    since, total = quota["since"], sum(of["kept"] for of in cells.values())
    last = None if quota.get("order") else 1.0
    scarce, absent = [], []
    margins = {quota["by"]: quota["share"], **quota["also"]}
    for place, (column, shares) in enumerate(margins.items()):
        for value in (name for name, part in shares.items() if part):
            own = [of for name, of in cells.items() if name.split(BETWEEN)[place] == value]
            said = f"{column} {text.prose(value, 60)}"
            if not own:
                absent.append(said)
            elif all(of["threshold"] in (None, last) for of in own):
                scarce.append(f"{said} ({sum(of['kept'] for of in own)})")
    yield f"{total} rows make the mix of {', '.join(margins)}"
    if not cells:
        yield f"no row that passes {since} has one of the named values of each of the columns"
        return
    if absent:
        yield f"no row of {', '.join(absent)} passes {since}; so nothing of the others is kept"
    elif scarce:
        yield f"all rows of {', '.join(scarce)} are kept; more of them let more others stay"
    elif not total:
        yield "the shares contradict: no rows there are have them together"


def _problems(quota: Mapping[str, Any], categories: Mapping[str, Any]) -> Iterator[str]:
    since, shares = quota["since"], quota["share"]
    is_whole = sum(Fraction(str(part)) for part in shares.values()) == 1
    kept = sum(of["kept"] for of in categories.values())
    alone = kept == max((of["of"] for of in categories.values()), default=kept)
    absent = [text.prose(name, 60) for name in shares if shares[name] and name not in categories]
    last = None if quota.get("order") else 1.0  # the threshold that all ranks pass
    free = {name: of for name, of in categories.items() if of["threshold"] in (None, last)}
    if absent and (is_whole or quota["by"] != "synthetic"):  # of these there seldom are any
        none = "; nothing of the others is kept" if is_whole and alone and categories else ""
        yield f"no row of {', '.join(absent)} passes {since}{none}"
    elif is_whole and alone and 0 < len(free) < len(categories):
        scarce = ", ".join(f"{text.prose(name, 60)} ({of['kept']})" for name, of in free.items())
        yield f"all rows of {scarce} that pass {since} are kept; more of them let more others stay"
    if not is_whole and alone and len(free) == len(categories):
        beyond = [name for name, of in free.items() if of["kept"] > shares[name] * of["of"]]
        names = ", ".join(f"{text.prose(name, 60)} is {_part(free[name])} %" for name in beyond)
        why = f"nothing but its categories passes {since}, and they sum to less than 1"
        if beyond:
            yield f"limits nothing, for {why}: of what is kept {names}"


def _part(of: Mapping[str, Any]) -> str:
    return f"{100 * of['kept'] / of['of']:.2f}" if of["of"] else "0"


def budget(quota: Mapping[str, Any]) -> str:
    """What a quota of a configuration allows."""
    by = quota["by"]
    if "share" in quota:
        parts = (f"{text.figure(100 * part)} % {name}" for name, part in quota["share"].items())
        also = "".join(
            f"; {', '.join(f'{text.figure(100 * part)} % {name}' for name, part in shares.items())}"
            for shares in quota.get("also", {}).values()
        )
        return ", ".join(parts) + also
    if "fraction" in quota:
        least = f", at least {text.count(quota['least'])}" if "least" in quota else ""
        return f"{text.figure(100 * quota['fraction'])} % of each {by}{least}"
    return f"{text.count(quota['count'])} of each {by}"
