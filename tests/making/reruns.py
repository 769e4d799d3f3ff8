"""Collections that are run again: of four kinds of sources, with captions and images to edit."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from making.collection import drawing, encoded
from making.runs import carry_out

from curation import shard

ALONE = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]


def run(sources: list[Path], output: Path, *, verify: bool = False) -> None:
    carry_out([str(path) for path in sources], str(output), ALONE, 8, verify=verify)


def held(output: Path) -> dict[str, dict[str, Any]]:
    """The rows of the shards by key."""
    infos = shard.verify(str(output / "shards"))
    assert {info.file for info in infos} == {p.name for p in (output / "shards").glob("*.parquet")}
    batches = [b for info in infos for b in shard.read(str(output / "shards" / info.file))]
    return {row["key"]: row for batch in batches for row in batch.to_pylist()}


def captions(output: Path) -> dict[str, list[str] | None]:
    """Of the pictures that are edited, by kind of source."""
    return {
        key[0]: row["caption_raw"] and [entry["text"] for entry in row["caption_raw"]]
        for key, row in held(output).items()
        if key[1] == "0"
    }


def times(output: Path, *folders: str) -> dict[Path, int]:
    paths = [path for name in folders for path in (output / name).rglob("*") if path.is_file()]
    return {path: path.stat().st_mtime_ns for path in paths}


KINDS = "ftpm"  # a folder, a tar, a Parquet table, a manifest
PICTURES = {f"{k}{n}": encoded(drawing(10 * i + n)) for i, k in enumerate(KINDS) for n in (0, 1)}
EDITED = {kind: encoded(drawing(100 + number)) for number, kind in enumerate(KINDS)}
SIZE = max(map(len, [*PICTURES.values(), *EDITED.values()]))


def pictures(kind: str, *, edited: bool) -> dict[str, bytes]:
    """Two pictures, all of one size: what follows a JPEG's end is not looked at."""
    first = EDITED[kind] if edited else PICTURES[f"{kind}0"]
    chosen = {f"{kind}0": first, f"{kind}1": PICTURES[f"{kind}1"]}
    return {name: data + b"\0" * (SIZE - len(data)) for name, data in chosen.items()}


def write_files(folder: Path, contents: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        if not (folder / name).exists() or (folder / name).read_bytes() != data:
            (folder / name).write_bytes(data)


def make(root: Path, said: str | None, *, edited: bool = False) -> list[Path]:
    """A folder, a tar, a table and a manifest, in which the first picture has a caption."""
    held = {kind: pictures(kind, edited=edited) for kind in KINDS}
    files = {f"{name}.jpg": data for name, data in held["f"].items()} | {"f1.json": b"{"}
    write_files(root / "files", files | ({"f0.txt": said.encode()} if said else {}))
    members = {f"{name}.jpg": data for name, data in held["t"].items()}
    with tarfile.open(root / "t.tar", "w") as tar:
        for name, data in sorted((members | ({"t0.txt": said.encode()} if said else {})).items()):
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    columns = {"key": list(held["p"]), "caption": pa.array([said, None], pa.string())}
    columns["jpg"] = pa.array(held["p"].values(), pa.binary())
    pq.write_table(pa.table(columns), root / "p.parquet", compression="none")
    write_files(root / "apart", {f"{name}.jpg": data for name, data in held["m"].items()})
    lines = [{"path": f"apart/{name}.jpg", "key": name} for name in held["m"]]
    lines[0] |= {"caption": said} if said else {}
    lines.append({"path": "apart/gone.jpg", "key": "gone"})
    (root / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return [root / name for name in ("files", "t.tar", "p.parquet", "m.jsonl")]
