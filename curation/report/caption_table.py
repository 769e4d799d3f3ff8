"""The funnel's table of captions: by split, what came in and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from curation.report import outcome, text

REASONS_SHOWN = 6


@dataclass(frozen=True)
class CaptionRow:
    """The captions of a split: how many came in, and what became of them.

    ``reasons`` say in a line each what held back, dropped and quarantined how many.
    """

    split: str
    total: int
    kept: int
    dropped: int
    quarantined: int
    reasons: tuple[str, ...]


def caption_rows(run: Mapping[str, Any]) -> list[CaptionRow]:
    """A row for each split with captions, as ``run.json`` counts them."""
    stages, keep = [*outcome.stages(run)], run.get("configuration", {}).get("keep")
    deciding = set(stages[: stages.index(keep) + 1] if keep in stages else stages)
    counted = run.get("counts", {}).get("captions", {}).get("splits", {})
    return [_row(split, of, deciding) for split, of in counted.items()]


def _row(split: str, of: Mapping[str, Any], deciding: set[str]) -> CaptionRow:
    rules: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for stage, stopped in of["rules"].items():
        for rule, number in stopped.items():
            named = f"{stage} {rule.removeprefix(f'caption_{split}.')}"
            rules[stage in deciding][named] = number
    images = of["with_image"]
    lost = {
        "with images dropped": sum(sum(by.values()) for by in images["dropped"].values()),
        "with images quarantined": sum(images["quarantined"].values()),
    }
    dropped = rules[True] | {why: number for why, number in lost.items() if number}
    return CaptionRow(
        split,
        of["in"],
        of["kept"],
        of["dropped"],
        of["quarantined"],
        tuple(
            f"{what}: {_said(by)}"
            for what, by in (
                ("kept, but no deeper", rules[False]),
                ("dropped", dropped),
                ("quarantined", of["quarantine"]),
            )
            if by
        ),
    )


def _said(by: Mapping[str, int]) -> str:
    """The reasons with most captions, each with its number."""
    ordered = sorted(by.items(), key=lambda of: (-of[1], of[0]))
    shown = [f"{why} {text.count(number)}" for why, number in ordered[:REASONS_SHOWN]]
    rest = sum(number for _, number in ordered[REASONS_SHOWN:])
    return ", ".join([*shown, *([f"others {text.count(rest)}"] if rest else [])])
