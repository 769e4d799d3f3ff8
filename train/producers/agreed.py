"""``plan.json`` and ``versions/`` of a folder: what its units are of, and what follows.

The first that comes writes ``plan.json``, and ``settings.json``, by what it was made; all others
must want the same. ``versions/<n>.json`` is another version of the plan, proposed by somebody;
``versions/<n>.accepted.json`` the same as a run took it in, from the step on that its processes
agreed on, which never changes again.
"""

import json
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from curation import storage
from curation.failures.errors import UsageError
from train.configuration import Configuration, PhaseConfiguration
from train.producers import plans
from train.producers.plans import Version

PLAN, SETTINGS, VERSIONS = "plan.json", "settings.json", "versions"
ACCEPTED, _PROPOSED = ".accepted.json", ".json"


def agree(
    root: Path, content: Mapping[str, Any], configuration: Configuration, pattern: str
) -> None:
    """Write what units are of, made by a configuration of the shards of ``pattern``, or raise
    ``UsageError`` where it is something else.
    """
    path = root / PLAN
    wanted = json.loads(json.dumps(dict(content)))
    _write_first(path, wanted)
    differs(str(path), read(root) or {}, wanted)
    settings = configuration.model_dump(mode="json")
    _write_first(root / SETTINGS, {"data": pattern, "configuration": settings})


def _write_first(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file that appears whole; of several who do, the first has written it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}{storage.TEMPORARY_SUFFIX}")
    partial.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    with suppress(FileExistsError):
        os.link(partial, path)
    partial.unlink()


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


def settings(root: Path) -> tuple[Configuration, str]:
    """By which configuration, and of which shards, units are made. Raises ``UsageError``."""
    path = root / SETTINGS
    try:
        content = json.loads(path.read_bytes())
        configuration = json.dumps(content["configuration"])
        return Configuration.model_validate_json(configuration), str(content["data"])
    except (FileNotFoundError, ValueError, LookupError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"{path}: expected settings, which a producer or a run writes when it starts ({reason})"
        ) from None


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


def following(root: Path) -> int:
    """The number of the version that may be proposed next."""
    return 2 + len(list((root / VERSIONS).glob(f"*{ACCEPTED}")))


def propose(root: Path, phases: tuple[PhaseConfiguration, ...], first: int) -> int:
    """Propose another version from a step on; returns its number. Raises ``OSError``."""
    (root / VERSIONS).mkdir(parents=True, exist_ok=True)
    number = following(root)
    content = plans.plain(Version(number, first, phases))
    path = root / VERSIONS / f"{number}{_PROPOSED}"
    storage.write_bytes(str(path), (json.dumps(content, indent=1) + "\n").encode())
    return number


def accept(root: Path, version: Version) -> None:
    """Let a version begin, unless another of its number did. Raises ``OSError``."""
    _write_first(root / VERSIONS / f"{version.number}{ACCEPTED}", plans.plain(version))


def plain_versions(root: Path) -> dict[str, dict[str, Any]]:
    """All further versions by number, plain, and whether they are accepted."""
    versions: dict[str, dict[str, Any]] = {}
    number = 2
    while path := _of_version(root, number):
        try:
            content = json.loads(path.read_bytes())
            versions[str(number)] = {**content, "accepted": path.name.endswith(ACCEPTED)}
        except (ValueError, TypeError) as error:
            raise _unreadable(str(path), error) from None
        number += 1
    return versions


def _of_version(root: Path, number: int) -> Path | None:
    """The file that says what a version is."""
    paths = (root / VERSIONS / f"{number}{end}" for end in (ACCEPTED, _PROPOSED))
    return next((path for path in paths if path.is_file()), None)


def version(root: Path, number: int) -> tuple[Version, bool] | None:
    """A version, and whether it is accepted; None where nobody proposed it (yet)."""
    if not _of_version(root, number):
        return None
    given = plain_versions(root).get(str(number))
    return version_of(str(root), number, given) if given else None


def version_of(where: str, number: int, content: Mapping[str, Any]) -> tuple[Version, bool]:
    """A version out of plain data. Raises ``UsageError``."""
    try:
        return plans.version_of_plain({**content, "number": number}), bool(content["accepted"])
    except (ValueError, LookupError, TypeError) as error:
        raise _unreadable(f"{where}: version {number}", error) from None


def _unreadable(where: str, error: Exception) -> UsageError:
    reason = str(error).partition("\n")[0]
    return UsageError(
        f"{where}: expected first and phases ({reason}): propose it anew with"
        " `python -m train.change_plan`"
    )
