"""Running again tells the truth: what a shard holds follows from contents, never from sizes."""

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.collection import drawing, encoded
from making.pipelines import WITHOUT_MODELS
from making.runs import carry_out, digests

from curation import report, shard
from curation.failures.exit_codes import exit_code_of
from curation.inspect import explain, gate, rejudge
from curation.output import mark
from curation.output.layout import Layout
from curation.writing.originals import InputChangedError

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


def test_what_is_edited_reaches_the_shards(tmp_path: Path) -> None:
    """Captions added, then edited at the same length; then pictures of the same size."""
    output = tmp_path / "out"
    run(make(tmp_path, None), output)
    assert captions(output) == dict.fromkeys(KINDS)
    for said in ("cat", "dog"):
        run(make(tmp_path, said), output)
        assert captions(output) == {key: [said] for key in KINDS}
    sources = make(tmp_path, "dog", edited=True)
    run(sources, output)
    images = {key[:2]: row["image"]["bytes"] for key, row in held(output).items()}
    assert images == {n: data for kind in KINDS for n, data in pictures(kind, edited=True).items()}
    run(sources, tmp_path / "fresh")
    assert digests(output) == digests(tmp_path / "fresh")


def test_what_is_touched_or_moved_is_read_and_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    output = tmp_path / "out"
    sources = make(tmp_path / "here", "cat")
    run(sources, output)
    before, written = digests(output), times(output, "signals", "shards")
    monkeypatch.setattr("curation.measuring.measure.measure", None)
    for path in [p for p in (tmp_path / "here").rglob("*") if p.is_file()]:
        os.utime(path)
    run(sources, output)
    assert digests(output) == before
    assert times(output, "signals", "shards").items() >= {
        (path, time) for path, time in written.items() if path.suffix == ".parquet"
    }
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    run([tmp_path / "there" / source.name for source in sources], output)
    assert digests(output, ("shards", "ledger")) == {
        name: told for name, told in before.items() if name.startswith(("shards", "ledger"))
    }
    tables = [pq.read_table(path) for path in (output / "signals").rglob("*.parquet")]
    uris = [uri for table in tables for uri in table.column("uri").to_pylist()]
    assert len(uris) == 9 and all(str(tmp_path / "there") in uri for uri in uris)


def test_a_change_that_no_stamp_tells_of_is_found_by_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a filesystem that does not tell when a file was changed."""
    monkeypatch.setattr("curation.storage.listing.times", lambda status: ())
    source, output = make(tmp_path, "cat")[:1], tmp_path / "out"
    run(source, output)
    written = times(output, ".")
    (source[0] / "f0.txt").write_text("dog")
    run(source, output)
    assert times(output, ".") == written
    run(source, output, verify=True)
    assert captions(output) == {"f": ["dog"]}


def test_what_changes_while_a_run_reads_it_is_seen_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from curation.graphs import writing

    source, output = make(tmp_path, "cat")[:1], tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_shards", lambda *_: (source[0] / "f0.txt").write_text("dog"))
        with pytest.raises(Exception, match=r"kept, but|manifest"):
            run(source, output)
    run(source, output)
    assert captions(output) == {"f": ["dog"]}


def test_a_caption_changed_between_measuring_and_writing_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from curation.graphs import writing

    source, output = make(tmp_path, "cat")[:1], tmp_path / "out"
    write = writing.write_shards

    def later(*given: Any) -> None:
        (source[0] / "f0.txt").write_text("dog")
        write(*given)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_shards", later)
        with pytest.raises(InputChangedError, match=r"f0\.jpg is not what was measured"):
            run(source, output)
    run(source, output)
    assert captions(output) == {"f": ["dog"]}


FILES = {
    "signals": "signals/base-*/*.parquet",
    "ledger": "ledger/*.parquet",
    "groups": "groups/*.parquet",
    "near": "near/*.parquet",
    "shard": "shards/*.parquet",
    "manifest": "shards/manifest.json",
    "run": "run.json",
    "success": "_SUCCESS",
    "plan": "plan/*.json",
    "checked": "checked/*",
}
DAMAGED = [*([name] for name in FILES if name not in ("plan", "checked")), ["plan", "checked"]]


@pytest.fixture(scope="module")
def undamaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Path]:
    root = tmp_path_factory.mktemp("undamaged")
    source = make(root, "cat")[:1]
    run(source, root / "out")
    return source, root / "out"


@pytest.mark.parametrize("kinds", DAMAGED, ids="-".join)
def test_a_flipped_bit_is_repaired(
    kinds: list[str], undamaged: tuple[list[Path], Path], tmp_path: Path
) -> None:
    source, output = undamaged[0], tmp_path / "out"
    shutil.copytree(undamaged[1], output)
    (tmp_path / "pipelines.yaml").write_text(WITHOUT_MODELS)
    wanted = digests(output)
    for path in [next(output.glob(FILES[kind])) for kind in kinds]:
        data = bytearray(path.read_bytes())
        data[0 if "plan" in path.parts else len(data) // 2] ^= 0x10  # of JSON: always
        path.write_bytes(bytes(data))
    if "plan" in kinds:
        (output / "_SUCCESS").unlink()  # else neither is read
    run(source, output)
    assert digests(output) == wanted
    assert json.loads((output / "run.json").read_text())["counts"]["kept"] == 2


@pytest.mark.parametrize("verify", [True, False])
def test_damage_that_no_reader_sees_is_repaired_though_the_input_is_looked_at_as_well(
    verify: bool, undamaged: tuple[list[Path], Path], tmp_path: Path
) -> None:
    source, output = undamaged[0], tmp_path / "out"
    shutil.copytree(undamaged[1], output)
    (tmp_path / "pipelines.yaml").write_text(WITHOUT_MODELS)
    wanted = digests(output)
    path = next(output.glob(FILES["signals"]))
    path.write_bytes(path.read_bytes().replace(b"parquet-cpp-arrow", b"parquet-cpp-arroW"))
    if not verify:
        os.utime(source[0] / "f0.jpg")
    run(source, output, verify=verify)
    assert digests(output) == wanted


READERS: dict[str, Callable[[str], object]] = {
    "judge": lambda output: rejudge.compare(output, str(Path(output).parent / "pipelines.yaml")),
    "explain": lambda output: explain.explain(output, "f0.jpg"),
    "report": report.write_report,
}


@pytest.mark.parametrize(
    "kind", ["signals", "ledger", "groups", "near", "shard", "manifest", "run"]
)
def test_who_reads_a_damaged_file_is_told_what_to_do(
    kind: str, undamaged: tuple[list[Path], Path], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(undamaged[1], output)
    (tmp_path / "pipelines.yaml").write_text(WITHOUT_MODELS)
    whole = {path: path.read_bytes() for path in output.glob(FILES[kind])}
    told = set()
    for share in (0.001, 0.5, 1):  # a head, what is between, a foot
        for path, data in whole.items():
            place = min(3 + int(share * len(data)), len(data) - 1)
            path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
        for name, read in READERS.items():
            try:
                read(str(output))
            except Exception as error:  # noqa: BLE001 any would be a traceback for the user
                code, message = exit_code_of(error)
                assert message is not None, (name, share, error)
                assert code in (2, 4) and "beam run" in message, (name, share, message)
                told.add(name)
    assert told or kind == "near"


def test_the_gate_finds_a_flipped_bit_anywhere_and_names_the_remedy(
    undamaged: tuple[list[Path], Path], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(undamaged[1], output)
    path = next(output.glob(FILES["shard"]))
    data = path.read_bytes()
    for place in (0, len(data) // 3, len(data) // 2, len(data) - 1200, len(data) - 1):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(shard.ShardError, match=rf"{path.name}.*beam run.*--verify"):
            gate.check(str(output))


def test_a_flipped_bit_that_no_stamp_tells_of_is_repaired_by_verify(
    undamaged: tuple[list[Path], Path], tmp_path: Path
) -> None:
    source, output = undamaged[0], tmp_path / "out"
    shutil.copytree(undamaged[1], output)
    (tmp_path / "pipelines.yaml").write_text(WITHOUT_MODELS)
    wanted = digests(output)
    run(source, output)  # the copy is checked, and known from here on
    (info,) = shard.read_manifest(str(output / "shards"))
    data = bytearray((output / "shards" / info.file).read_bytes())
    data[-100] ^= 1
    (output / "shards" / info.file).write_bytes(bytes(data))
    success = Path(Layout(str(output)).success)
    told = json.loads(success.read_text())
    success.write_text(json.dumps({**told, "files": mark.files_digest(Layout(str(output)))}))
    run(source, output)
    assert digests(output) != wanted
    run(source, output, verify=True)
    assert digests(output) == wanted
