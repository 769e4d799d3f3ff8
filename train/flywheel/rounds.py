"""``python -m train.flywheel round``: evaluate, attribute, render, curate, train, evaluate again,
and a page that shows it.

Each step is a command of ours in a process of its own. One that ended well is written down with
what it was, and not run again; the others go on by themselves where they were ended.
"""

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation import storage
from curation.failures.errors import UsageError
from curation.storage import ownership, user_paths
from curation.strict_yaml import read as read_yaml
from train.flywheel import (
    attributing,
    attribution,
    cases,
    commands,
    comparing,
    page,
    sources,
    supply,
)
from train.flywheel.commands import PYTHON, Command
from train.flywheel.settings import Settings
from train.flywheel.sources import Intake

KIND = "flywheel round"
BEFORE, ATTRIBUTED, TRAINED, AFTER = "before", "attributed", "trained", "after"
_DONE = "done"
_ENDED_BY: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 143}
_RENDERED, _CURATED, _CONFIG, _SETTINGS = "rendered", "curated", "train.yaml", "settings.json"


class StepError(Exception):
    """A step's command ended with another exit ``code`` than 0, and said why; below 0 it is a
    signal. The same command again helps where it was ended, or the machine failed it.
    """

    def __init__(self, name: str, code: int) -> None:
        again = code < 0 or code in (1, 4, *_ENDED_BY.values())
        advice = "run the same command to go on" if again else "correct what it says above"
        super().__init__(f"step {name} ended with exit code {code}; {advice}")
        self.code = code if code > 0 else _ENDED_BY.get(-code, 1)


@dataclass(frozen=True)
class Turn:
    """What a round is of: a ``checkpoint`` that was trained on ``shards``, and what else is
    attributed beside its evaluation, as options of ``attribute``.
    """

    checkpoint: Path
    shards: tuple[str, ...]
    more: tuple[str, ...]
    config: Path | None
    out: Path


Step = tuple[str, Command]
Say = Callable[[str], None]


def run(turn: Turn, to: Settings, say: Say) -> dict[str, Any]:
    """Carry out what is not done yet; returns what changed. Raises ``UsageError``, ``StepError``,
    ``OwnershipError``, ``OSError``.
    """
    with ownership.held(str(turn.out), KIND):
        _settle(turn, to)
        ran = []
        for name, command in steps(turn, to):
            if name == TRAINED and not is_done(turn.out, name, command):
                write_config(turn, to)
            carry_out(turn.out, name, command, say)
            ran.append((name, command))
        return _page(turn, to, ran)


def planned(turn: Turn, to: Settings) -> Iterator[Step]:
    """All that a round may run, before it is known what fails."""
    yield _evaluation(BEFORE, turn.checkpoint, turn, to)
    yield _attribution(turn)
    lacking = {"characters": "?", "layouts": True, "texts": to.plan.texts}
    rendering = [*_renderings(turn, to, lacking)]
    yield from ((_RENDERED, command) for command in rendering)
    yield from _from_rendered(turn, to, [Path(command[-1]) for command in rendering])


def steps(turn: Turn, to: Settings) -> Iterator[Step]:
    """What is to be run, one after the other: what is rendered depends on what was attributed."""
    yield _evaluation(BEFORE, turn.checkpoint, turn, to)
    yield _attribution(turn)
    rendered = []
    folder = turn.out / ATTRIBUTED
    for command in _renderings(turn, to, json.loads((folder / "plan.json").read_bytes())):
        rendered.append(Path(command[-1]))
        yield f"{_RENDERED} {rendered[-1].name}", command
    if rendered:
        yield from _from_rendered(turn, to, rendered)


def _from_rendered(turn: Turn, to: Settings, rendered: Sequence[Path]) -> Iterator[Step]:
    if to.curation.pipeline:
        given = [PYTHON, "-m", "curation.command", "run", to.curation.pipeline]
        for place in rendered:
            given += ["--input", str(place)]
        given += ["--output", str(turn.out / _CURATED)]
        given += ["--config", to.curation.config] if to.curation.config else []
        yield _CURATED, tuple(given)
    wanted, trained = to.training, turn.out / TRAINED
    given = [PYTHON, "-m", "train", "--preset", wanted.preset]
    given += ["--config", str(turn.out / _CONFIG), "--weights", str(turn.checkpoint)]
    given += ["--data", turn.shards[0], "--seed", str(wanted.seed)]
    given += ["--threads", str(wanted.threads)] if wanted.threads else []
    yield TRAINED, (*given, "--out", str(trained))
    yield _evaluation(AFTER, trained, turn, to)


def _evaluation(name: str, checkpoint: Path, turn: Turn, to: Settings) -> Step:
    wanted = to.evaluation
    given = [PYTHON, "-m", "infer.evaluation", wanted.name, "--checkpoint", str(checkpoint)]
    given += ["--data", wanted.data] if wanted.data else []
    given += ["--sample", str(wanted.sample)] if wanted.sample else []
    given += ["--reader", wanted.reader] if wanted.reader != "rapidocr" else []
    return name, (*given, "--out", str(turn.out / name))


def _attribution(turn: Turn) -> Step:
    given = [PYTHON, "-m", "train.flywheel", "attribute"]
    given += [f"{BEFORE}={turn.out / BEFORE}", *turn.more]
    for each in turn.shards:
        given += ["--shards", each]
    given += ["--config", str(turn.config)] if turn.config else []
    return ATTRIBUTED, (*given, "--out", str(turn.out / ATTRIBUTED))


def _renderings(turn: Turn, to: Settings, plan: Mapping[str, Any]) -> Iterator[Command]:
    """As ``commands.renderings``, of a plan that was written."""
    data, out = turn.out / ATTRIBUTED / "data", turn.out / _RENDERED
    yield from commands.renderings(
        plan["characters"], bool(plan["layouts"]), plan["texts"], to, data, out
    )


def write_config(turn: Turn, to: Settings) -> None:
    """``train.yaml``: the user's file, with a phase that mixes the shards of before with what is
    new. Raises ``UsageError``.
    """
    given = _further(to)
    share = to.training.share
    if to.curation.pipeline:
        new = [str(turn.out / _CURATED / "shards")]
    else:
        new = [str(path) for path in sorted((turn.out / _RENDERED).iterdir()) if path.is_dir()]
    mixed = [{"data": of, "share": (1 - share) / len(turn.shards)} for of in turn.shards]
    mixed += [{"data": of, "share": share / len(new)} for of in new]
    phase = {"label": "round", "sources": mixed}
    config = {**given, "steps": to.training.steps, "phases": [phase]}
    text = json.dumps(config, ensure_ascii=False, indent=1) + "\n"
    storage.write_bytes(str(turn.out / _CONFIG), text.encode())


def _further(to: Settings) -> dict[str, Any]:
    """The user's settings of training. Raises ``UsageError``, ``ConfigurationError``."""
    given = read_yaml(to.training.config).value if to.training.config else {}
    if not isinstance(given, dict):
        raise UsageError(f"{to.training.config}: expected a mapping of settings")
    return given


def carry_out(out: Path, name: str, command: Command, say: Say) -> None:
    """Run a step's command, unless the same one ended well before. Raises ``StepError``."""
    if is_done(out, name, command):
        say(f"{name}: done before")
        return
    say(f"{name}: {commands.as_text([command]).strip()}")
    if code := process(command):
        raise StepError(name, code)
    path, done = _mark(out, name, command)
    path.parent.mkdir(exist_ok=True)
    storage.write_bytes(str(path), done)


def is_done(out: Path, name: str, command: Command) -> bool:
    """Whether the same command ended well before."""
    path, done = _mark(out, name, command)
    return path.is_file() and path.read_bytes() == done


def _mark(out: Path, name: str, command: Command) -> tuple[Path, bytes]:
    done = (json.dumps(list(command), ensure_ascii=False) + "\n").encode()
    return out / _DONE / f"{name.replace(' ', '-')}.json", done


def process(command: Command) -> int:
    """The exit code of a command, which is ended where this process is asked to end."""
    child = subprocess.Popen([sys.executable, *command[1:]], stdout=2, stdin=subprocess.DEVNULL)
    try:
        return child.wait()
    except BaseException:
        child.terminate()
        child.wait()
        raise


def _settle(turn: Turn, to: Settings) -> None:
    """Keep what the folder is a round of, files by their contents. Raises ``UsageError`` where it
    is of something else, or a file is missing.
    """
    _further(to)
    files = [*turn.more[1::2], *([to.training.config] if to.training.config else [])]
    own: dict[str, Any] = {
        "checkpoint": str(turn.checkpoint),
        "shards": list(turn.shards),
        "more": list(turn.more),
        "settings": to.model_dump(mode="json"),
        **{f"contents of {each}": _digest(user_paths.read(each)) for each in files},
    }
    path = turn.out / _SETTINGS
    text = json.dumps(own, ensure_ascii=False, indent=1) + "\n"
    if not path.is_file():
        storage.write_bytes(str(path), text.encode())
    elif path.read_bytes() != text.encode():
        before = json.loads(path.read_bytes())
        key = next((key for key in own if before.get(key) != own[key]), "settings")
        raise UsageError(f"{turn.out}: was begun with other {key}; choose another --out")


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _page(turn: Turn, to: Settings, ran: Sequence[Step]) -> dict[str, Any]:
    folder = turn.out / ATTRIBUTED
    record = json.loads((folder / attributing.LEDGER).read_bytes())
    plan = json.loads((folder / attributing.PLAN).read_bytes())
    listed = [attribution.of_row(row) for row in cases.read(folder / attributing.CASES)]
    before = [each.case for each in listed if each.case.source == BEFORE]
    after = Intake()
    if any(name == AFTER for name, _ in ran):
        sources.evaluation(after, AFTER, turn.out / AFTER)
    pairs = comparing.pairs(before, after.cases)
    added = plan["characters"] if any(name.startswith(_RENDERED) for name, _ in ran) else {}
    changes = comparing.changes(pairs, added, to.right)
    has = supply.count(turn.shards, folder / "supply.json")
    characters = comparing.characters(pairs, has.characters, added)
    lines = [(name, commands.as_text([command]).strip()) for name, command in ran]
    shown = page.Attribution(record, plan, listed)
    page.write(turn.out / page.PAGE, shown, page.Round(lines, changes, characters, pairs))
    result = {
        "added": added,
        "lacking": {"characters": len(plan["characters"]), "layouts": len(plan["layouts"])},
        "changes": [_plain(each) for each in changes],
        "page": str(turn.out / page.PAGE),
    }
    text = json.dumps(result, ensure_ascii=False, indent=1) + "\n"
    storage.write_bytes(str(turn.out / "result.json"), text.encode())
    return result


def _plain(change: comparing.Change) -> dict[str, Any]:
    own = {"difference": change.difference, "low": change.low, "high": change.high}
    return {
        "name": change.name,
        "before": change.before.values(),
        "after": change.after.values(),
        **own,
    }
