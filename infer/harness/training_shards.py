"""Which shards a model was trained on: those that a user names, or that a checkpoint recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curation.failures.errors import UsageError
from train.data import shard_files
from train.trained_on import Shards


@dataclass(frozen=True)
class TrainingShards:
    """The ``files`` that are here; of what a checkpoint recorded the patterns that are ``missing``
    or have ``changed``, and the ``weights`` it began with. ``reason`` says why there are no files.
    """

    files: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    weights: str = ""
    reason: str = "no shards are known; name them with --trained-on"


def asked_for(patterns: Sequence[str]) -> TrainingShards | None:
    """Those of ``--trained-on``, None where it was not given. Raises ``UsageError`` where there are
    none of a pattern.
    """
    if not patterns:
        return None
    every = (shard_files.paths(each, f"--trained-on {each}") for each in patterns)
    return TrainingShards(tuple(path for paths in every for path in paths))


def of_checkpoint(checkpoint: Path | None) -> TrainingShards:
    """Those that a checkpoint says it was trained on, as far as they are here.

    Relative names are looked for from the current directory, as training did. Raises
    ``UsageError`` for a damaged checkpoint.
    """
    if checkpoint is None:
        return TrainingShards()
    files, missing, changed = list[str](), list[str](), list[str]()
    recorded, weights = _recorded(checkpoint)
    for each in recorded:
        try:
            entries = shard_files.entries(each.pattern, each.pattern)
        except UsageError:
            missing.append(each.pattern)
            continue
        files += [entry.path for entry in entries]
        if each.digest and shard_files.described(each.pattern, entries) != each:
            changed.append(each.pattern)
    reason = TrainingShards.reason
    if missing:
        reason = f"its shards are not here: {', '.join(missing)}; name them with --trained-on"
    distinct = tuple(dict.fromkeys(files))
    return TrainingShards(distinct, tuple(missing), tuple(changed), weights, reason)


def _recorded(checkpoint: Path) -> tuple[tuple[Shards, ...], str]:
    """What a checkpoint names, and the weights that it began with; of one of an earlier version
    the sources of its phases, where these are all that it saw.
    """
    from train import trained_on
    from train.checkpoint import read_configuration
    from train.checkpoint_folder import CheckpointError

    try:
        record, configuration = trained_on.read(checkpoint), read_configuration(checkpoint)
    except (CheckpointError, ValueError) as error:
        raise UsageError(str(error)) from error
    weights = configuration.weights if configuration else ""
    if record and record.shards:
        return record.shards, weights
    phases = configuration.phases if configuration else ()
    patterns = {each.data for phase in phases for each in phase.sources}
    is_all = bool(phases) and all(phase.sources for phase in phases) and "" not in patterns
    return tuple(Shards(pattern=each) for each in sorted(patterns)) if is_all else (), weights
