"""An output with a flipped bit is found out and repaired, and its readers say what to do."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from making.pipelines import WITHOUT_MODELS
from making.reruns import make, run
from making.runs import digests

from curation import report, shard
from curation.failures.exit_codes import exit_code_of
from curation.inspect import explain, gate, rejudge
from curation.output import mark
from curation.output.layout import Layout

pytestmark = pytest.mark.slow

FILES = {
    "signals": "signals/base-*/*.parquet",
    "ledger": "ledger/*.parquet",
    "groups": "groups/*/*.parquet",
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
