"""Big, damaged and careless Parquet tables: every row is given or says why not."""

import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.tables import pictures, read_all, write

from curation import sources
from curation.sources import Caption, plan


def table(count: int) -> dict[str, Any]:
    keys = [f"k{number:05}" for number in range(count)]
    return {"key": keys, "jpg": pa.array(pictures(count), pa.binary()), "caption": keys}


def test_a_big_table_is_cut_between_row_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", table(100), row_group_size=15)
    whole = read_all(path)
    assert [sample.key for sample in whole] == [f"k{number:05}" for number in range(100)]
    assert [sample.uri for sample in whole] == [f"{path}#{row}" for row in range(100)]
    for unit_rows, cuts in (
        (1000, [(0, 7)]),
        (40, [(0, 2), (2, 4), (4, 7)]),
        (1, [(group, group + 1) for group in range(7)]),
    ):
        units = plan.plan([path], unit_rows=unit_rows)
        assert [unit.parts[0].groups for unit in units] == cuts
        assert len({unit.id for unit in units}) == len(units)
        assert read_all(path, unit_rows=unit_rows) == whole


def test_a_table_without_rows_is_planned_and_empty(tmp_path: Path) -> None:
    assert read_all(write(tmp_path / "a.parquet", table(0))) == []


def test_only_the_rows_wanted_are_given(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", table(60), row_group_size=20)
    whole = read_all(path)
    (unit,) = plan.plan([path])
    wanted = [whole[index] for index in (0, 21, 22, 39)]
    assert list(sources.read(unit, only={sample.uri for sample in wanted})) == wanted
    assert list(sources.read(unit, only={"elsewhere#1"})) == []


def damage(path: str, position: int, data: bytes = b"\xff\xff\xff") -> None:
    with open(path, "r+b") as stream:
        stream.seek(position)
        stream.write(data)


def test_a_damaged_row_group_costs_its_rows_alone_each_with_the_reason(tmp_path: Path) -> None:
    options = {"row_group_size": 20, "write_page_checksum": True, "compression": "none"}
    path = write(tmp_path / "a.parquet", table(60), use_dictionary=False, **options)
    whole = read_all(path)
    content = Path(path).read_bytes()
    damage(path, content.index(pictures(60)[30]) + 5)
    samples = read_all(path)
    assert [sample.uri for sample in samples] == [sample.uri for sample in whole]
    assert samples[:20] == whole[:20]
    assert samples[40:] == whole[40:]
    for sample in samples[20:40]:
        assert str(sample.error).startswith("unreadable: row group 1: ")
    lost = {samples[25].uri}
    (unit,) = plan.plan([path])
    assert list(sources.read(unit, only=lost)) == [samples[25]]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"<html>", b"PAR1" + bytes(99) + b"PAR1"])
def test_what_is_no_parquet_is_one_sample_with_the_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    for given in (path, tmp_path):
        (sample,) = read_all(str(given))
        assert sample.uri == str(path)
        assert str(sample.error).startswith("unreadable: not a readable Parquet table: ")


def test_a_table_that_is_gone_is_one_sample_with_the_reason(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", table(3))
    (unit,) = plan.plan([path])
    Path(path).unlink()
    (sample,) = sources.read(unit)
    assert sample.error == "missing: no such file"


def _unchecked(values: Sequence[bytes]) -> pa.Array:
    """A string array of bytes that may be no UTF-8, as careless writers leave them."""
    plain = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(plain), plain.buffers())


def test_text_that_is_no_utf8_costs_no_picture(tmp_path: Path) -> None:
    texts = _unchecked([b"fine", b"caf\xe9", "é".encode()])
    nested = pa.ListArray.from_arrays([0, 1, 2, 3], texts)
    columns = {"jpg": pa.array([b"A", b"B", b"C"], pa.binary()), "text": texts}
    path = write(tmp_path / "a.parquet", columns | {"caption": nested})
    samples = read_all(path)
    assert [sample.data for sample in samples] == [b"A", b"B", b"C"]
    expected = ["fine", "caf\ufffd", "é"]
    assert [sample.caption_raw for sample in samples] == [(Caption(text),) for text in expected]


_MEASURE = """
import sys
from curation import sources
from curation.sources import plan
def peak():  # not ru_maxrss, which a child inherits from its parent
    lines = open("/proc/self/status").read().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
(unit,) = plan.plan([sys.argv[1]])  # imports all that reading needs
before = peak()
size = 0
for sample in sources.read(unit):
    size += len(sample.data)
print(size, peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_does_not_hold_a_whole_row_group(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    schema = pa.schema([("jpg", pa.binary())])
    options: dict[str, Any] = {"compression": "none", "use_dictionary": False}
    with pq.ParquetWriter(path, schema, **options, write_batch_size=1) as writer:
        writer.write_table(pa.table({"jpg": [bytes(500_000)] * 240}, schema), row_group_size=240)
    program = [sys.executable, "-c", _MEASURE, str(path)]
    done = subprocess.run(program, check=True, capture_output=True, text=True)
    size, growth = map(int, done.stdout.split())
    assert size == 240 * 500_000
    assert growth < 100_000_000


@pytest.mark.parametrize("seed", range(3))
def test_random_damage_never_escapes(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    path = write(tmp_path / "a.parquet", table(40), row_group_size=10)
    content = Path(path).read_bytes()
    pages = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    (unit,) = plan.plan([path])
    for _ in range(60):
        Path(path).write_bytes(content)
        damage(path, dice.randrange(4, pages), dice.randbytes(dice.randrange(1, 30)))
        samples = list(sources.read(unit))
        assert len(samples) == 40 or samples[-1].error
        for sample in samples:
            for text in (sample.uri, sample.key, sample.path, sample.error or ""):
                text.encode()
