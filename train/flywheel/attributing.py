"""``python -m train.flywheel attribute``: from what others left to tracks, a plan and a page."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from curation import storage
from curation.failures.errors import IncompleteError, UsageError
from curation.storage import ownership
from train.figures import Rate
from train.flywheel import (
    attribution,
    cases,
    deficits,
    near,
    page,
    rewarded,
    sources,
    supply,
    tracks,
    voting,
)
from train.flywheel.attribution import Attributed, Known
from train.flywheel.settings import Settings
from train.flywheel.sources import Intake

KIND = "flywheel"
CASES, PLAN, LEDGER = "cases.parquet", "plan.json", "ledger.json"


@dataclass(frozen=True)
class Asked:
    """What is read: ``evaluations`` and ``rewritten`` ones as NAME=FOLDER, files of ``bad_cases``,
    ``votes`` and ``duels``, the ``shards`` that were trained on, and the output of the run to
    retrieve from (``pool``).
    """

    shards: tuple[str, ...]
    evaluations: tuple[str, ...] = ()
    bad_cases: tuple[Path, ...] = ()
    votes: tuple[Path, ...] = ()
    duels: tuple[Path, ...] = ()
    rewritten: tuple[str, ...] = ()
    pool: str = ""


def run(asked: Asked, to: Settings, out: Path) -> dict[str, Any]:
    """Attribute, plan and write all into ``out``; returns the ledger.

    Raises ``UsageError``, ``OwnershipError``, ``IncompleteError`` where nothing of what came in is
    a case, ``OSError``.
    """
    if not asked.evaluations and not asked.bad_cases:
        raise UsageError("nothing to attribute; expected folders of evaluations, or --cases")
    if not asked.shards:
        raise UsageError("expected --shards: what the model was trained on")
    with ownership.held(str(out), KIND):
        return _run(asked, to, out)


def _run(asked: Asked, to: Settings, out: Path) -> dict[str, Any]:
    intake = taken_in(asked)
    votes = voting.Votes(intake.cases)
    for path in asked.duels:
        votes.duels(path)
    for path in asked.votes:
        votes.read(intake, path)
    every = votes.cases()
    has = supply.count(asked.shards, out / "supply.json")
    rates, prompts = rewritten(asked, to, intake)
    failing = [of.prompt for of in every if not of.is_right(to.right)]
    look = to.data.neighbours and failing
    nearest = near.near(asked.shards, [*dict.fromkeys(failing)], to.data.near) if look else {}
    listed = attribution.attribute(every, Known(has, rates, nearest), to)
    of_cases = len(intake.quarantined) - votes.heard.quarantined
    said = rewards(every, to)
    record: dict[str, Any] = {
        "cases": attribution.ledger(listed, of_cases, intake.entered),
        "votes": {**asdict(votes.heard), "left_out": dict(sorted(votes.heard.left_out.items()))},
        "causes": causes(listed),
        "rewards": said,
        "supply": _of_supply(has, to),
        "quarantined": [asdict(of) for of in intake.quarantined],
        "settings": to.model_dump(mode="json"),
    }
    deficit = deficits.of(listed, has, to)
    distrusted = {name: of for name, of in said.items() if of["distrusted"]}
    about = {"pool": asked.pool, "rewritten": prompts, "distrusted": distrusted}
    plan = tracks.write(out, listed, deficit, to, about)
    cases.write(out / CASES, attribution.table(listed))
    page.write(out / page.PAGE, page.Attribution(record, plan, listed), None)
    text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
    storage.write_bytes(str(out / LEDGER), text.encode("utf-8", "replace"))
    if intake.quarantined and not intake.cases:
        raise IncompleteError(
            f"all {len(intake.quarantined)} cases are quarantined: {out / LEDGER}"
        )
    return record


def taken_in(asked: Asked) -> Intake:
    """All evaluations and bad cases. Raises ``UsageError``."""
    intake = Intake()
    for name, folder in sources.named(asked.evaluations).items():
        sources.evaluation(intake, name, folder)
    for path in asked.bad_cases:
        if path.name in {case.source for case in intake.cases}:
            raise UsageError(f"--cases {path}: another is called {path.name}; rename one")
        sources.bad_cases(intake, path)
    return intake


def rewritten(
    asked: Asked, to: Settings, intake: Intake
) -> tuple[dict[tuple[str, str], Rate], dict[tuple[str, str], str]]:
    """By source and id of a prompt how often it is right as another wrote it, and what they wrote.
    Raises ``UsageError`` for what is none of the sources.
    """
    own = Intake()
    known = {case.source for case in intake.cases}
    for name, folder in sources.named(asked.rewritten).items():
        if name not in known:
            raise UsageError(
                f"--rewritten {name}={folder}: expected NAME=FOLDER, NAME one of {', '.join(known)}"
            )
        sources.evaluation(own, name, folder)
    rights: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for case in own.cases:
        if not case.missing:
            rights[case.of_prompt].append(case.is_right(to.right))
    rates = {key: Rate(sum(of), len(of)) for key, of in rights.items()}
    return rates, {case.of_prompt: case.prompt for case in own.cases}


def causes(listed: Sequence[Attributed]) -> dict[str, dict[str, int]]:
    """By track and cause, of how many cases and of how many prompts."""
    own = [each for each in listed if each.finding]
    counts = Counter(f"{of.finding.track}: {of.finding.cause}" for of in own if of.finding)
    prompts: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for each in own:
        if each.finding:
            prompts[f"{each.finding.track}: {each.finding.cause}"].add(each.case.of_prompt)
    return {
        name: {"cases": number, "prompts": len(prompts[name])}
        for name, number in sorted(counts.items())
    }


def rewards(every: Sequence[cases.Case], to: Settings) -> dict[str, dict[str, Any]]:
    """Of each reward how many pairs it orders rightly, and whether it is distrusted."""
    agreed = rewarded.agreement(every, to.rl.apart)
    bad = rewarded.distrusted(agreed, to.rl)
    return {
        name: {**rewarded.total(by_prompt).values(), "distrusted": name in bad}
        for name, by_prompt in agreed.items()
    }


def _of_supply(has: supply.Supply, to: Settings) -> Mapping[str, Any]:
    few = supply.few(has, to.data.few, to.data.share)
    return {
        "images": has.images,
        "captions": has.captions,
        "characters": len(has.characters),
        "median": has.median,
        "few": few,
        "rare": sum(of < few for of in has.characters.values()),
    }
