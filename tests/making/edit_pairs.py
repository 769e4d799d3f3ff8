"""Edit pairs as sources hold them, in all four kinds, each with the same contents."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

KINDS = ("folder", "list", "tar", "table")


class Pair(NamedTuple):
    """An edit: without an input's bytes (None) that input is told of, but not there."""

    name: str
    result: bytes | None
    inputs: Sequence[bytes | None]
    instruction: str | None = None


def write(kind: str, place: Path, pairs: Sequence[Pair]) -> str:
    """Write a source of this kind below a new folder; returns what to name as an input."""
    place.mkdir(parents=True)
    return {"folder": _folder, "list": _list, "tar": _tar, "table": _table}[kind](place, pairs)


def _files(pair: Pair) -> list[tuple[str, bytes]]:
    told = [(f"{pair.name}.jpg", pair.result)]
    numbers = [""] if len(pair.inputs) == 1 else [str(n) for n in range(1, len(pair.inputs) + 1)]
    told += [
        (f"{pair.name}.input{number}.jpg", data)
        for number, data in zip(numbers, pair.inputs, strict=True)
    ]
    text = None if pair.instruction is None else pair.instruction.encode()
    told.append((f"{pair.name}.instruction.txt", text))
    return [(name, data) for name, data in told if data is not None]


def _folder(place: Path, pairs: Sequence[Pair]) -> str:
    for pair in pairs:
        for name, data in _files(pair):
            (place / name).write_bytes(data)
    return str(place)


def _tar(place: Path, pairs: Sequence[Pair]) -> str:
    with tarfile.open(place / "0.tar", "w") as tar:
        for name, data in (entry for pair in pairs for entry in _files(pair)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return str(place)


def _list(place: Path, pairs: Sequence[Pair]) -> str:
    lines = []
    for pair in pairs:
        for name, data in _files(pair):
            if name.endswith(".jpg"):
                (place / "files").mkdir(exist_ok=True)
                (place / "files" / name).write_bytes(data)
        told = pair._replace(inputs=[b"there or not"] * len(pair.inputs))
        names = [f"files/{name}" for name, _ in _files(told)]
        inputs = [name for name in names if ".input" in name]
        line = {"edited_image": f"files/{pair.name}.jpg", "instruction": pair.instruction}
        lines.append(line | {"input_images": inputs, "key": pair.name})
    (place / "edits.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(place)


def _table(place: Path, pairs: Sequence[Pair]) -> str:
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = [
        {
            "key": pair.name,
            "source_img": [{"bytes": data, "path": None} for data in pair.inputs] or None,
            "target_img": {"bytes": pair.result, "path": f"{pair.name}.jpg"},
            "mask_img": {"bytes": b"a mask", "path": None},
            "instruction": pair.instruction,
        }
        for pair in pairs
    ]
    kinds = {"key": pa.string(), "source_img": pa.list_(image), "target_img": image}
    kinds |= {"mask_img": image, "instruction": pa.string()}
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(kinds)), place / "edits.parquet")
    return str(place)
