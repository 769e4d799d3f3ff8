"""A finished run in a few lines: the funnel, where captions were said, what was quarantined."""

from collections.abc import Mapping, Sequence
from typing import Any

from curation.report import quotas, text

ORIGINS_SHOWN = 10
SIDE_FILES_SHOWN = 5
SIGNALS_SHOWN = 10


def funnel(counts: dict[str, Any], keep: str = "") -> str:
    """The funnel as text: the sum, and per stage what each rule stopped.

    A row that passes the stage ``keep`` is kept, so that later ones drop none.
    """
    verb = "dropped"
    lines = [
        f"in {counts['in']} = kept {counts['kept']} + dropped {counts['dropped']}"
        f" + quarantined {counts['quarantined']}"
    ]
    for stage, of_stage in counts["stages"].items():
        lines.append(f"{stage}: {of_stage['in']} in, {of_stage['passed']} passed")
        stopped = sorted(of_stage["dropped"].items(), key=lambda item: -item[1])
        lines += [f"  {rule:<22}{number:>8} {verb}" for rule, number in stopped if number]
        if stage == keep:
            verb = "kept, but no deeper"
    lines += quotas.lines(counts.get("quotas", {}))
    lines += _captions(counts["captions"], [*counts["stages"]], keep)
    lines += [f"note: {note}" for note in counts.get("notes", ())]
    if counts["quarantine"]:
        lines.append("quarantined:")
        worst = sorted(counts["quarantine"].items(), key=lambda item: (-item[1], item[0]))
        lines += [f"  {reason:<22}{number:>8}" for reason, number in worst]
    return "\n".join(lines)


def taken_over(measured: Mapping[str, Mapping[str, int]]) -> str:
    """What was taken over of what earlier runs measured, by signal; nothing where nothing was.

    ``measured`` says by signal how many images it was asked about, and how many were known.
    """
    known = [(name, of["taken"], of["asked"]) for name, of in measured.items() if of["taken"]]
    known.sort(key=lambda of: (-of[1], of[0]))
    parts = [f"{name} {taken} of {taken + asked}" for name, taken, asked in known[:SIGNALS_SHOWN]]
    more = ["more in run.json"] if len(known) > SIGNALS_SHOWN else []
    return f"measured before and taken over: {', '.join([*parts, *more])}" if parts else ""


def since_last_run(changes: Mapping[str, Any] | None) -> str:
    """What became of the images of the last run; nothing where none finished here before."""
    if changes is None:
        return ""
    fallen = [f"{number} dropped ({rule})" for rule, number in changes["dropped"].items()]
    fallen += [f"{changes['gone']} gone from the input"] if changes["gone"] else []
    return (
        f"of {changes['kept']} images that the last run kept, {changes['still']} are kept still"
        + "".join(f", {of}" for of in fallen)
        + f"; of {changes['others']} others {changes['now_kept']} are kept now;"
        + f" of {changes['new']} new ones {changes['new_kept']}"
    )


def _captions(counts: dict[str, Any], stages: Sequence[str], keep: str) -> list[str]:
    """How many rows have captions, where these were said, what became of those of each split, and
    which side files say nothing.
    """
    lines = [
        f"with captions {counts['with']} ({counts['kept_with']} kept),"
        f" without {counts['without']} ({counts['kept_without']} kept)"
    ]
    shown = list(counts["origins"].items())
    lines += [
        f"  from {text.prose(origin):<30}{of['in']:>8}" for origin, of in shown[:ORIGINS_SHOWN]
    ]
    if len(shown) > ORIGINS_SHOWN:
        rest = sum(of["in"] for _, of in shown[ORIGINS_SHOWN:])
        lines.append(f"  from elsewhere, see run.json       {rest:>8}")
    for split, of in counts["splits"].items():
        lines.append(
            f"{split} captions: in {of['in']} = kept {of['kept']} + dropped {of['dropped']}"
            f" + quarantined {of['quarantined']}"
        )
        lines += _stopped_captions(split, of["rules"], stages, keep)
    if counts["side_files_unread"]:
        lines.append(f"side files that could not be read: {counts['side_files_unread']}")
        lines += [
            f"  {text.prose(problem)}" for problem in counts["side_files_first"][:SIDE_FILES_SHOWN]
        ]
    return lines


def _stopped_captions(
    split: str, rules: Mapping[str, Mapping[str, int]], stages: Sequence[str], keep: str
) -> list[str]:
    """What rules on captions stop of a split, stage by stage; after ``keep`` they drop none."""
    after = stages.index(keep) if keep in stages else len(stages)
    return [
        f"  {stage + ' ' + rule.removeprefix(f'caption_{split}.'):<30}{number:>8} "
        + ("kept, but no deeper" if stages.index(stage) > after else "dropped")
        for stage in stages
        for rule, number in sorted(rules.get(stage, {}).items(), key=lambda of: (-of[1], of[0]))
    ]
