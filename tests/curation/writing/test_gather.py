"""Which shard a row goes to."""

import itertools
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making.collection import drawing, encoded
from making.runs import run_in_process

from curation import shard
from curation.picture.decoding import Picture
from curation.signals import discovery
from curation.signals.signal import Column, Signal
from curation.strict_yaml import ConfigurationError
from curation.writing import gather

FULL = shard.SHARD_BYTES
KEPT = st.dictionaries(st.text("0123456789abcdef", min_size=1), st.integers(0, 4 * FULL))


@given(KEPT)
def test_every_unit_that_keeps_something_is_in_one_shard_or_fills_several(kept) -> None:
    shards = gather.assign(kept.items())
    told = [share for held in shards for share in held]
    assert len(told) == len(set(told))
    for unit, size in kept.items():
        mine = sorted((share, of) for name, share, of in told if name == unit)
        assert mine == [(share, -(-size // FULL)) for share in range(-(-size // FULL))]


@given(KEPT)
def test_shards_are_full_but_never_too_full(kept) -> None:
    shards = gather.assign(kept.items())
    mixed = [held for held in shards if held[0][2] == 1]
    sizes = [sum(kept[unit] for unit, _, _ in held) for held in mixed]
    assert all(size <= FULL for size in sizes)
    assert all(first + second > FULL for first, second in itertools.pairwise(sizes))


@given(KEPT)
def test_the_order_of_the_units_does_not_matter(kept) -> None:
    assert gather.assign(kept.items()) == gather.assign(reversed(kept.items()))


def test_the_assignment_is_read_as_it_was_written(tmp_path) -> None:
    kept = {"aa": 5, "bb": 3 * FULL, "cc": 0}
    assert gather.write_assignment(str(tmp_path), kept) == 4
    lines = gather.read_assignment(str(tmp_path))
    assert [gather.assigned(line) for line in lines] == [
        (part, 4, held) for part, held in enumerate(gather.assign(kept.items()))
    ]


@pytest.mark.parametrize("size", [60_000, 10_000])  # about two pictures; less than one
def test_many_small_shards_hold_each_kept_row_once(tmp_path: Path, monkeypatch, size: int) -> None:
    (tmp_path / "in").mkdir()
    for seed in range(12):
        (tmp_path / "in" / f"{seed}.jpg").write_bytes(encoded(drawing(seed)))
    monkeypatch.setattr(shard, "SHARD_BYTES", size)  # three units of 8 rows
    verdicts = run_in_process(tmp_path / "in", tmp_path / "out")
    kept = sorted(key for key, verdict in verdicts.items() if verdict == "kept")
    files = sorted((tmp_path / "out" / "shards").glob("*.parquet"))
    keys = [pq.read_table(file).column("key").to_pylist() for file in files]
    assert len(files) > 3 and all(keys)
    assert sorted(key for held in keys for key in held) == kept


def recaptioned(picture: Picture) -> dict[str, object]:
    """Two pictures of three have something to be said of."""
    said = {288: [{"text": "measured", "language": None}], 300: []}
    return {"caption_recaption": said.get(picture.rgb.shape[1])}


def kept_rows(output: Path) -> dict[str, dict]:
    files = (output / "shards").glob("*.parquet")
    return {row["key"]: row for file in files for row in pq.read_table(file).to_pylist()}


def with_signal(monkeypatch: pytest.MonkeyPatch, column: str, kind: pa.DataType) -> None:
    own = Signal("own", "pixel", 1, {column: Column(kind, "", "")}, recaptioned)
    everything = [*discovery.discover(), own]
    monkeypatch.setattr(discovery, "discover", lambda modules=(): everything)


def test_captions_of_a_source_stand_and_where_it_has_none_measured_ones_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = []
    for seed, side in enumerate((288, 300, 320)):
        (tmp_path / f"{seed}.jpg").write_bytes(encoded(drawing(seed, side)))
        said = {"caption_recaption": "said"} if seed == 1 else {}
        lines.append({"path": f"{seed}.jpg", "key": str(seed), **said})
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with_signal(monkeypatch, "caption_recaption", shard.CAPTIONS)
    run_in_process(tmp_path / "in.jsonl", tmp_path / "out")
    told = {key: row["caption_recaption"] for key, row in kept_rows(tmp_path / "out").items()}
    said = {"text": "said", "language": None, "origin": ".jsonl: caption_recaption", "stage": None}
    measured = {"text": "measured", "language": None, "origin": None, "stage": None}
    assert told == {"0": [measured], "1": [said], "2": None}
    run = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    counted = run["counts"]["captions"]["splits"]["recaption"]
    assert (counted["in"], counted["kept"]) == (2, 2)


def test_a_list_of_fixed_size_is_written_and_read_also_where_it_is_null(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, side in enumerate((288, 320)):
        (tmp_path / f"{seed}.jpg").write_bytes(encoded(drawing(seed, side)))
    kind = pa.list_(pa.float32(), 2)

    def measured(picture: Picture) -> dict[str, object]:
        return {"vector": [0.5, 1.0] if picture.rgb.shape[1] == 288 else None}

    own = Signal("own", "pixel", 1, {"vector": Column(kind, "", "")}, measured)
    everything = [*discovery.discover(), own]
    monkeypatch.setattr(discovery, "discover", lambda modules=(): everything)
    run_in_process(tmp_path, tmp_path.parent / "out of it")
    rows = kept_rows(tmp_path.parent / "out of it")
    assert {key: row["vector"] for key, row in rows.items()} == {
        "0.jpg": [0.5, 1.0],
        "1.jpg": None,
    }


@pytest.mark.parametrize(
    ("column", "kind", "told"),
    [
        ("caption_raw", shard.CAPTIONS, "may not be measured"),
        ("licence", pa.string(), "may not be measured"),
        ("uri", pa.string(), "may not be measured"),
        ("near_better", pa.int32(), "may not be measured"),
        ("caption_fused", pa.string(), "expected list<item: struct<text: string, language"),
    ],
)
def test_a_signal_that_would_overwrite_what_is_known_is_refused(
    column: str, kind: pa.DataType, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_signal(monkeypatch, column, kind)
    (tmp_path / "0.jpg").write_bytes(encoded(drawing(0)))
    with pytest.raises(ConfigurationError, match=rf"own: .*'{column}'.*{told}"):
        run_in_process(tmp_path / "0.jpg", tmp_path / "out")
    assert not (tmp_path / "out" / "signals").exists()
