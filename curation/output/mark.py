"""The mark of a finished run, ``_SUCCESS``: what the run is of, and the files that it left."""

import hashlib
import json
from typing import Any

from curation import shard, storage
from curation.output import finished
from curation.output.layout import Layout

RESULTS = ("ledger", "near", "shards")


def counts_if_finished(layout: Layout, identity: str) -> dict[str, Any] | None:
    """The counts of the run if it is finished and its files are those it left, else None."""
    if not all(storage.exists(path) for path in (layout.success, layout.run, layout.report)):
        return None
    if finished.success(layout) != content(layout, identity):
        return None
    counts: dict[str, Any] = finished.read_run(layout.root)["counts"]
    return counts


def content(layout: Layout, identity: str) -> dict[str, str]:
    """What is written when a run is finished: what it is of, and what it left."""
    run = finished.digest(storage.read_bytes(layout.run))
    return {"identity": identity, "files": files_digest(layout), "run": run}


def files_digest(layout: Layout) -> str:
    """Equal while the results are the files that they were, by their sizes and times."""
    entries = [entry for top in ("signals", "groups") for _, _, entry in layout.columns(top)]
    entries += [entry for folder in RESULTS for entry in layout.written(folder)]
    for path in (storage.join(layout.shards, shard.MANIFEST_NAME), layout.run):
        entries += storage.list_files(path)
    # whoever copies an output keeps the time of content, not that of the file
    stamps = [(entry.path[len(layout.root) :], entry.size, entry.times[:1]) for entry in entries]
    return text_digest(json.dumps(stamps), 16)


def text_digest(text: str, size: int) -> str:
    """BLAKE2b of a text, ``size`` bytes in hexadecimal."""
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()
