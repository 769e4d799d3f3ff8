"""The page of an attribution, or of a round: what failed, where it went, and what came of it.

Every string is escaped by jinja2; the page loads nothing and runs nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation import storage
from train.flywheel import comparing, shown
from train.flywheel.attribution import Attributed
from train.flywheel.comparing import Change, Character, Pair

PAGE = "report.html"
CASES = 30  # that are shown
_EACH = 4  # of a cause before others have their turn
TRACKS = {
    "data": "Data: what is rare is retrieved, rendered and trained",
    "prompt": "Prompts: the enhancer writes them anew",
    "rl": "Reinforcement learning: the model can, and does not always; or its reward is wrong",
}


@dataclass(frozen=True)
class Attribution:
    """The ``record`` and ``plan`` of an attribution, and its cases."""

    record: Mapping[str, Any]
    plan: Mapping[str, Any]
    listed: Sequence[Attributed]


@dataclass(frozen=True)
class Round:
    """What a round did: its ``commands``, and what changed."""

    commands: Sequence[tuple[str, str]]
    changes: Sequence[Change]
    characters: Sequence[Character]
    pairs: Sequence[Pair]


def write(path: Path, of: Attribution, turn: Round | None) -> None:
    """The page as a file. Raises ``OSError``."""
    storage.write_bytes(str(path), render(of, turn).encode("utf-8", "replace"))


def render(of: Attribution, turn: Round | None) -> str:
    """The page as HTML text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only where it is needed

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda rate: shown.percent(rate.right, rate.of)
    later = {pair[0].id: pair[1] for pair in turn.pairs} if turn else {}
    return environment.get_template("page.html").render(
        record=of.record,
        plan=of.plan,
        turn=turn,
        tracks=TRACKS,
        cases=[_case(each, later) for each in chosen(of.listed)],
        failing=sum(each.finding is not None for each in of.listed),
    )


def chosen(listed: Sequence[Attributed]) -> list[Attributed]:
    """Attributed cases by their causes, some of each, the worst first; then those undecided."""
    own = [each for each in listed if each.reason not in ("right", "no image")]
    own.sort(key=lambda each: (each.case.score, each.case.id))
    turns: dict[str, int] = {}
    ranked = []
    for each in own:
        cause = each.finding.cause if each.finding else ""
        turns[cause] = turns.get(cause, 0) + 1
        ranked.append((turns[cause] > _EACH, not cause, turns[cause], cause, each))
    ranked.sort(key=lambda of: of[:4])
    order = {name: place for place, name in enumerate(TRACKS)}
    return sorted(
        (of[4] for of in ranked[:CASES]),
        key=lambda each: (
            (order.get(each.finding.track, 9), each.finding.cause) if each.finding else (9, "")
        ),
    )


def _case(each: Attributed, later: Mapping[str, Any]) -> dict[str, Any]:
    case, after = each.case, later.get(each.case.id)
    return {
        "case": case,
        "finding": each.finding,
        "reason": each.reason,
        "also": [f"{of.track}: {of.cause}" for of in each.findings[1:]],
        "failed": "".join(dict.fromkeys(each.failed)),
        "asked": case.texts or (comparing.asked(case),),
        "image": shown.address(case.image),
        "after": after,
        "later": shown.address(after.image) if after else "",
    }
