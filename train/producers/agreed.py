"""``plan.json`` and ``versions/`` of a folder: what its units are of, and what follows.

The first that comes writes ``plan.json``; all others must want the same. ``versions/<n>.json`` is
another version of the plan, proposed by somebody; ``versions/<n>.accepted.json`` the step that the
consumers let it begin at.
"""

import json
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from curation import storage
from curation.failures.errors import UsageError
from train.configuration import PhaseConfiguration
from train.producers.plans import Version

PLAN, VERSIONS = "plan.json", "versions"
_PHASES = TypeAdapter(tuple[PhaseConfiguration, ...])


def agree(root: Path, content: Mapping[str, Any]) -> None:
    """Write what units are of, or raise ``UsageError`` where it is something else."""
    path = root / PLAN
    wanted = json.loads(json.dumps(dict(content)))
    root.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{PLAN}.{uuid.uuid4().hex}{storage.TEMPORARY_SUFFIX}")
    partial.write_text(json.dumps(wanted, indent=1) + "\n", "utf-8")
    with suppress(FileExistsError):
        os.link(partial, path)  # of several that come first, one
    partial.unlink()
    differs(str(path), read(root) or {}, wanted)


def read(root: Path) -> dict[str, Any] | None:
    """What the units of a folder are of; None where nobody has said so yet."""
    path = root / PLAN
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_bytes())
        if isinstance(content, dict):
            return content
    except ValueError:
        pass
    raise UsageError(f"{path}: expected JSON as producers write it; delete it to begin anew")


def differs(where: str, there: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise ``UsageError`` for the first key in which two plans differ."""
    was, now = _flat(there), _flat(wanted)
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            raise UsageError(
                f"{where}: {key}: its units are of {was.get(key)}, expected {now.get(key)}: give"
                f" the same --config and --data{_remedy(key)}, or another folder"
            )


def _remedy(key: str) -> str:
    return " and the same encoder" if "fingerprint" in key else ""


def _flat(content: Any, path: str = "") -> dict[str, Any]:
    if isinstance(content, list | tuple):
        content = {str(number): value for number, value in enumerate(content)}
    if not isinstance(content, dict):
        return {path: content}
    pairs = (_flat(value, f"{path}.{key}" if path else key) for key, value in content.items())
    return {key: value for each in pairs for key, value in each.items()}


def propose(root: Path, phases: tuple[PhaseConfiguration, ...], first: int) -> int:
    """Propose another version from a step on; returns its number. Raises ``OSError``."""
    (root / VERSIONS).mkdir(parents=True, exist_ok=True)
    number = 2 + len(list((root / VERSIONS).glob("*.accepted.json")))
    content = {"first": first, "phases": _PHASES.dump_python(phases, mode="json")}
    path = root / VERSIONS / f"{number}.json"
    storage.write_bytes(str(path), (json.dumps(content, indent=1) + "\n").encode())
    return number


def accept(root: Path, number: int, first: int) -> None:
    """Let a version begin at a step; that never changes again. Raises ``OSError``."""
    path = root / VERSIONS / f"{number}.accepted.json"
    (root / VERSIONS).mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), path.open("x") as stream:
        stream.write(json.dumps({"first": first}) + "\n")


def plain_versions(root: Path) -> dict[str, dict[str, Any]]:
    """All further versions by number, plain: where accepted with the step that was agreed on."""
    versions: dict[str, dict[str, Any]] = {}
    number = 2
    while (path := root / VERSIONS / f"{number}.json").is_file():
        accepted = path.with_name(f"{number}.accepted.json")
        try:
            content = json.loads(path.read_bytes())
            agreed_on = json.loads(accepted.read_bytes()) if accepted.is_file() else {}
            versions[str(number)] = {**content, **agreed_on, "accepted": bool(agreed_on)}
        except (ValueError, TypeError) as error:
            raise _unreadable(str(path), error) from None
        number += 1
    return versions


def version(root: Path, number: int) -> tuple[Version, bool] | None:
    """A version, and whether it is accepted; None where nobody proposed it (yet)."""
    if not (root / VERSIONS / f"{number}.json").is_file():
        return None
    given = plain_versions(root).get(str(number))
    return version_of(str(root), number, given) if given else None


def version_of(where: str, number: int, content: Mapping[str, Any]) -> tuple[Version, bool]:
    """A version out of plain data. Raises ``UsageError``."""
    try:
        phases = _PHASES.validate_python(content["phases"])
        return Version(number, int(content["first"]), phases), bool(content["accepted"])
    except (ValueError, LookupError, TypeError, ValidationError) as error:
        raise _unreadable(f"{where}: version {number}", error) from None


def _unreadable(where: str, error: Exception) -> UsageError:
    reason = str(error).partition("\n")[0]
    return UsageError(
        f"{where}: expected first and phases ({reason}): propose it anew with"
        " `python -m train.change_plan`"
    )
