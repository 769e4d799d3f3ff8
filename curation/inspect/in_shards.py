"""Where the kept rows that are explained lie in the shards, and what is said of them there."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from curation import shard, storage
from curation.inspect.explained_captions import with_texts
from curation.inspect.explanation import Explanation
from curation.output import finished
from curation.output.layout import Layout
from curation.report.outcome import equals, strings
from curation.signals.row import SPLITS


def with_shards(output: str, explanations: list[Explanation]) -> list[Explanation]:
    """The explanations with file, captions and instructions of kept rows. Raises ``ShardError``."""
    kept = {explanation.id for explanation in explanations if explanation.verdict == "kept"}
    folder = Layout(output).shards
    if not kept or not storage.exists(storage.join(folder, shard.MANIFEST_NAME)):
        return explanations
    where: dict[tuple[str, str | None], tuple[str, dict[str, list[str]]]] = {}
    for info in shard.read_manifest(folder):
        if not storage.exists(storage.join(folder, info.file)):
            raise shard.ShardError(f"{folder}: there is no {info.file}; {finished.REMEDY}")
        for batch in shard.read(storage.join(folder, info.file), ("id", "key", *SPLITS)):
            table = pa.Table.from_batches([batch])
            hits = np.zeros(batch.num_rows, np.bool_)
            for identity in kept:
                hits |= equals(table.column("id"), str(identity))
            rows = np.flatnonzero(hits)
            names, keys = (strings(table.column(of), rows) for of in ("id", "key"))
            for row, name, key in zip(rows.tolist(), names, keys, strict=True):
                where[str(name), key] = f"shards/{info.file}", _captions(batch, row)
    return [
        replace(
            entry,
            shard=file,
            captions=with_texts(entry.captions, captions),
            instructions=tuple(captions.get("instruction", ())) if entry.inputs else (),
        )
        for entry in explanations
        for file, captions in [where.get((str(entry.id), entry.key), (None, {}))]
    ]


def _captions(batch: pa.RecordBatch, row: int) -> dict[str, list[str]]:
    """The captions that a shard has of a row, by split."""
    return {
        split.removeprefix("caption_"): [
            of["text"] for of in batch.column(split)[row].as_py() or ()
        ]
        for split in SPLITS
        if split in batch.schema.names
    }
