"""A unit: what some showings of the plan need, as one Arrow IPC file that is mapped into memory.

A row is a showing: which step and place it is of, the row of its source with its id, its caption
after dropout, and its tensors: latents of the target, of the references, features in stretches.
The tensors of each have a checksum, and so has all the rest together. The same showings give the
same bytes.

Shapes: c latent channels, h w latent cells, t tokens, D feature width.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from curation.failures.errors import UsageError
from train.data.batches import Shown

FORMAT = 1
MOST_BYTES = 256 << 20
_ABOUT = b"inkstone.unit"
_TENSOR = pa.struct(
    [("dtype", pa.string()), ("shape", pa.list_(pa.int32())), ("data", pa.large_binary())]
)
_FIELDS = {"step": pa.int32(), "place": pa.int32(), "source": pa.int32(), "planned": pa.int64()}
_FIELDS |= {"id": pa.string(), "caption": pa.string(), "dropout": pa.float64()}
_FIELDS |= {"task": pa.string(), "latents_key": pa.string(), "text_key": pa.string()}
_FIELDS |= {"references": pa.int32(), "features": pa.int32()}  # -1: no features, made by the model
_DTYPES = {str(each): each for each in (torch.float32, torch.bfloat16, torch.float16)}
_ALIGNED = 8  # bytes: every tensor begins at a multiple


class UnitError(UsageError):
    """A unit that cannot be used: the message names file, entry, expectation and remedy."""


def write(stream: BinaryIO, entries: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> None:
    """Write the entries, as ``entry`` makes them; ``about`` them says what they were made from.

    Raises ``OSError``, and ``UsageError`` for more than a unit holds.
    """
    size = sum(len(each["data"]) for row in entries for each in row["tensors"])
    if size > MOST_BYTES:
        raise UsageError(f"a unit of {size:,} bytes; expected {MOST_BYTES:,} at most: lower batch")
    fields = {**_FIELDS, "tensors": pa.list_(_TENSOR), "checksum": pa.uint32()}
    batch = pa.RecordBatch.from_pylist(list(entries), pa.schema(list(fields.items())))
    said = {"format": FORMAT, "checksum": _checksum_of_fields(batch), **about}
    batch = batch.replace_schema_metadata({_ABOUT: json.dumps(said, sort_keys=True).encode()})
    with pa.ipc.new_file(stream, batch.schema) as sink:
        sink.write_batch(batch)


def entry(
    step: int, place: int, shown: Shown, caption: str, keys: tuple[str, str]
) -> dict[str, Any]:
    """A row of a unit; ``keys`` say what its latents and its features are of."""
    features = shown.features
    tensors = [shown.latents, *shown.references, *(features or ())]
    row: dict[str, Any] = {
        "step": step,
        "place": place,
        "source": shown.source,
        "planned": shown.planned,
        "id": shown.id,
        "caption": caption,
        "dropout": shown.caption_dropout,
        "task": shown.task,
        "latents_key": keys[0],
        "text_key": keys[1],
        "references": len(shown.references),
        "features": -1 if features is None else len(features),
        "tensors": [
            _stored(each, is_latents=number <= len(shown.references))
            for number, each in enumerate(tensors)
        ],
    }
    return {**row, "checksum": _checksum([each["data"] for each in row["tensors"]])}


def _stored(tensor: Tensor, *, is_latents: bool) -> dict[str, Any]:
    """Latents in bf16 where nothing is lost: what an autoencoder in bf16 gave."""
    tensor = tensor.detach().cpu().contiguous()
    if is_latents and torch.equal(tensor.bfloat16().float(), tensor):
        tensor = tensor.bfloat16()
    data = tensor.view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
    padding = b"\0" * (-len(data) % _ALIGNED)
    return {"dtype": str(tensor.dtype), "shape": list(tensor.shape), "data": data + padding}


def _checksum(data: Sequence[Any]) -> int:
    """CRC-32 of the bytes of a row's tensors."""
    checksum = 0
    for each in data:
        checksum = zlib.crc32(each, checksum)
    return checksum


def _checksum_of_fields(batch: pa.RecordBatch) -> int:
    """CRC-32 of all but the bytes of tensors, whose checksums are among it."""
    column = batch.column("tensors")
    kinds = column.values.flatten()[:2]
    columns = [*batch.select([*_FIELDS, "checksum"]).columns, column.offsets, *kinds]
    return zlib.crc32(json.dumps([each.to_pylist() for each in columns]).encode())


class Unit:
    """A unit as it lies on disk. Raises ``UnitError`` where it is not what was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with pa.memory_map(str(path)) as mapped:
                reader = pa.ipc.open_file(mapped)
                self.about = json.loads((reader.schema.metadata or {})[_ABOUT])
                batch = reader.get_batch(0)
            batch.validate(full=True)
            if _checksum_of_fields(batch) != self.about["checksum"]:
                raise ValueError("its checksum is another")
            self._fields = batch.select(list(_FIELDS)).to_pylist()
            self._checksums = batch.column("checksum").to_pylist()
            column = batch.column("tensors")
            self._offsets = column.offsets.to_pylist()
            dtype, shape, self._data = column.values.flatten()
            self._dtypes, self._shapes = dtype.to_pylist(), shape.to_pylist()
        except (pa.ArrowException, LookupError, ValueError, TypeError) as error:
            raise UnitError(self._damaged("file", str(error).partition("\n")[0])) from None
        except OSError as error:
            if error.errno is not None:  # of the disk; Arrow has none for a file that is damaged
                raise
            raise UnitError(self._damaged("file", str(error).partition("\n")[0])) from None
        self._rows = {(row["step"], row["place"]): at for at, row in enumerate(self._fields)}

    def __iter__(self) -> Any:
        """The fields of all entries but tensors."""
        return iter(self._fields)

    def check(self, name: str, fingerprints: Mapping[str, str]) -> None:
        """Raise ``UnitError`` where it is another unit, or was made with other encoders."""
        if self.about.get("format") != FORMAT or self.about.get("name") != name:
            raise UnitError(self._damaged("name", f"it holds {self.about.get('name')}"))
        given = self.about.get("encoders", {})
        for key, expected in fingerprints.items():
            if given.get(key) != expected:
                raise UnitError(
                    f"{self.path}: {key}: expected fingerprint {expected}, not {given.get(key)}:"
                    " made with another encoder; delete the file, and have producers use the"
                    f" same {key}.path as this run"
                )

    def places(self, step: int) -> list[int]:
        """The places of a step that are here, in order."""
        return sorted(place for of, place in self._rows if of == step)

    def shown(self, step: int, place: int) -> Shown:
        """A sample as its batch has it. Raises ``UnitError`` where its checksum differs."""
        at = self._rows[step, place]
        first, last = self._offsets[at], self._offsets[at + 1]
        row = self._fields[at]
        kinds = zip(self._dtypes[first:last], self._shapes[first:last], strict=True)
        data = [self._data[number].as_buffer() for number in range(first, last)]
        if _checksum(data) != self._checksums[at]:
            where = f"step {step}, place {place}, id {row['id']}"
            raise UnitError(self._damaged(where, "its checksum is another"))
        tensors = [
            _tensor(dtype, shape, memoryview(buffer))
            for (dtype, shape), buffer in zip(kinds, data, strict=True)
        ]
        images = 1 + row["references"]
        latents = [each.float() for each in tensors[:images]]
        features = None if row["features"] < 0 else tuple(tensors[images:])
        return Shown(
            latents[0],
            row["caption"],
            row["dropout"],
            row["task"],
            row["source"],
            tuple(latents[1:]),
            (),
            row["id"],
            row["planned"],
            features,
        )

    def _damaged(self, where: str, why: str) -> str:
        return (
            f"{self.path}: {where}: expected what a producer wrote ({why}): the disk or the way"
            " here is at fault; delete the file, and it is made again"
        )


def _tensor(dtype: str, shape: list[int], data: memoryview) -> Tensor:
    tensor = torch.empty(shape, dtype=_DTYPES[dtype])
    if tensor.numel():
        content = tensor.view(-1).view(torch.uint8).numpy()
        content[:] = np.frombuffer(data, np.uint8, len(content))
    return tensor
