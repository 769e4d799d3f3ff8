"""Edit pairs through whole runs: into shards bit by bit, or quarantined whole."""

import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.collection import drawing, encoded
from making.edit_pairs import KINDS, Pair, write
from making.runs import digests, ledger_rows, run_in_process
from PIL import Image

from curation import shard
from curation.inspect import gate

SEEDS = {kind: 10 * place for place, kind in enumerate(KINDS)}


def pairs(kind: str, edited: bool = False) -> list[Pair]:
    """What each source holds. If edited, the first input is another image of the same size."""
    seed = SEEDS[kind]
    result, before, other = (encoded(drawing(seed + n)) for n in range(3))
    longest = max(map(len, (before, encoded(drawing(seed + 3)))))
    first = encoded(drawing(seed + 3)) if edited else before
    first += b"\0" * (longest - len(first))  # what follows a JPEG's end is not looked at
    return [
        Pair(f"{kind}-good", result, [first, other], f"make it {kind} “图”\n"),
        Pair(f"{kind}-same", result, [other], f"make it {kind} “图”\n"),
        Pair(f"{kind}-told", result, [first, other], "do something else"),
        Pair(f"{kind}-copy", result, [first, other], f"make it {kind} “图”\n"),
        Pair(f"{kind}-plain", result, []),
        Pair(f"{kind}-broken", result, [other, before[: len(before) // 2]], "x"),
        Pair(f"{kind}-missing", result, [other, None, before], "x"),
    ]


def make(root: Path, *, edited: bool = False) -> Path:
    shutil.rmtree(root, ignore_errors=True)
    for kind in KINDS:
        write(kind, root / kind, pairs(kind, edited))
    return root


def read(output: Path) -> list[dict[str, Any]]:
    infos = shard.verify(str(output / "shards"))
    batches = [b for info in infos for b in shard.read(str(output / "shards" / info.file))]
    return [row for batch in batches for row in batch.to_pylist()]


def held(output: Path) -> dict[str, dict[str, Any]]:
    """The rows of the shards by key, without folder and extension."""
    return {row["key"].rpartition("/")[2].partition(".")[0]: row for row in read(output)}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("edits")
    run_in_process(make(root / "in"), root / "out")
    return root / "out"


def test_a_pair_is_one_row_of_the_ledger_and_a_broken_one_is_quarantined_whole(
    output: Path,
) -> None:
    rows = {row["key"].rpartition("/")[2].partition(".")[0]: row for row in ledger_rows(output)}
    assert len(rows) == len(ledger_rows(output)) == 7 * len(KINDS)
    for kind in KINDS:
        verdicts = {name: rows[f"{kind}-{name}"]["verdict"] for name in ("same", "told", "plain")}
        assert set(verdicts.values()) == {"kept"}, (kind, verdicts)
        copies = [rows[f"{kind}-{name}"] for name in ("good", "copy")]
        assert sorted(row["verdict"] for row in copies) == ["dropped", "kept"]
        (dropped,) = (row for row in copies if row["verdict"] == "dropped")
        assert (dropped["rule"], dropped["duplicate_of"]) == ("exact_better.max", copies[0]["id"])
        broken, missing = rows[f"{kind}-broken"], rows[f"{kind}-missing"]
        assert (broken["verdict"], missing["verdict"]) == ("quarantined", "quarantined")
        assert re.match(r"truncated: input 2( \(.*\))?: no end", broken["reason"]), broken
        assert re.match(r"missing: .*input.? ?2", missing["reason"]), missing


def test_all_images_and_the_instruction_reach_the_shard_bit_by_bit(output: Path) -> None:
    rows = held(output)
    assert len(rows) == 4 * len(KINDS)
    for kind in KINDS:
        for pair in pairs(kind)[:5]:
            row = rows.get(pair.name)
            if row is None:  # of two copies, one stays
                assert pair.name.endswith(("-good", "-copy"))
                continue
            assert row["image"]["bytes"] == pair.result
            inputs = None if row["inputs"] is None else [i["bytes"] for i in row["inputs"]]
            assert inputs == (list(pair.inputs) or None)
            told = row["caption_instruction"] and row["caption_instruction"][0]["text"]
            assert told == pair.instruction
            assert row["id"] == shard.content_id(pair.result, pair.inputs, [told] if told else [])


def test_the_gate_computes_ids_of_all_images(output: Path, tmp_path: Path) -> None:
    tables = [table for _, table in gate._shards(str(output / "shards"))]
    assert all(all(table.column("content_matches").to_pylist()) for table in tables)
    (info,) = shard.read_manifest(str(output / "shards"))
    rows = list(held(output).values())
    changed = next(row for row in rows if row["inputs"])
    changed["inputs"][0]["bytes"] += b"\0"
    with pa.OSFile(str(output / "shards" / info.file)) as file:
        schema = pa.parquet.read_schema(file)
    batch = pa.RecordBatch.from_pylist(rows, schema=schema)
    written = shard.write(str(tmp_path / "a.parquet"), [batch], schema)
    shard.write_manifest(str(tmp_path), [written])
    ((_, table),) = gate._shards(str(tmp_path))
    matches = dict(zip(table["key"].to_pylist(), table["content_matches"].to_pylist(), strict=True))
    assert [key for key, same in matches.items() if not same] == [changed["key"]]


def test_an_edited_input_reaches_the_shard_and_nothing_else_is_changed(tmp_path: Path) -> None:
    source, output = make(tmp_path / "in"), tmp_path / "out"
    run_in_process(source, output)
    before = digests(output)
    run_in_process(source, output, verify=True)
    assert digests(output) == before
    make(source, edited=True)
    run_in_process(source, output)
    rows = held(output)
    for kind in KINDS:
        for pair in pairs(kind, edited=True)[1:3]:
            assert [image["bytes"] for image in rows[pair.name]["inputs"]] == list(pair.inputs)
    for place in ("folder", "list/files"):  # one file alone, of the same size
        kind, alone = place.partition("/")[0], pairs(place.partition("/")[0])[2]
        (source / place / f"{alone.name}.input1.jpg").write_bytes(alone.inputs[0] or b"")
        run_in_process(source, output)
        inputs = held(output)[f"{kind}-told"]["inputs"]
        assert [image["bytes"] for image in inputs] == list(alone.inputs)
    run_in_process(source, tmp_path / "anew")
    assert digests(output, ("shards", "ledger")) == digests(tmp_path / "anew", ("shards", "ledger"))


def test_shards_with_edits_are_a_source_of_the_same_edits(output: Path, tmp_path: Path) -> None:
    run_in_process(output / "shards", tmp_path / "out")
    assert {row["verdict"] for row in ledger_rows(tmp_path / "out")} == {"kept"}
    again, before = held(tmp_path / "out"), held(output)
    columns = ("id", "image", "inputs", "caption_instruction", "stage")
    assert {key: [row[name] for name in columns] for key, row in again.items()} == {
        key: [row[name] for name in columns] for key, row in before.items()
    }


def test_what_sources_know_of_an_edit_passes_unchanged(output: Path, tmp_path: Path) -> None:
    """From a table with a mask, boxes of inputs and the kind; and again from those shards."""
    rows = [row for row in held(output).values() if row["inputs"]][:2]
    boxes = [{"text": "图", "quad": [0.0, 1.5, 2.0, 3.0], "level": "line"}]
    mask = encoded(Image.new("L", (8, 8), 255), "PNG")
    known: dict[str, Any] = {"edit_kind": "text", "edit_operation": "text.replace"}
    known |= {"edit_mask": {"bytes": mask, "path": "m.png"}}
    known |= {"input_boxes": [boxes, None][: len(rows[0]["inputs"])]}
    rows[0] |= known
    table = pa.Table.from_pylist(rows, schema=shard.schema())
    (tmp_path / "in").mkdir()
    pq.write_table(table, tmp_path / "in" / "edits.parquet")
    run_in_process(tmp_path / "in", tmp_path / "first")
    run_in_process(tmp_path / "first" / "shards", tmp_path / "second")
    name = rows[0]["key"].rpartition("/")[2].partition(".")[0]
    for folder in ("first", "second"):
        edits = held(tmp_path / folder)
        assert {key: edits[name][key] for key in known} == known
        (other,) = (row for key, row in edits.items() if key != name)
        assert (other["edit_mask"], other["input_boxes"]) == (None, None)
        assert (other["edit_kind"], other["edit_operation"]) == ("attribute", None), "by its words"


def test_a_shard_holds_the_kind_that_was_measured_and_no_other_name(
    output: Path, tmp_path: Path
) -> None:
    unknown, known = [row for row in held(output).values() if row["inputs"]][:2]
    unknown |= {"edit_kind": "fliping", "edit_operation": "sideways"}
    unknown["caption_instruction"][0]["text"] = "Flip the image horizontally"
    known |= {"edit_kind": "Color_Alter", "edit_operation": "dyed"}
    (tmp_path / "in").mkdir()
    table = pa.Table.from_pylist([unknown, known], schema=shard.schema())
    pq.write_table(table, tmp_path / "in" / "edits.parquet")
    run_in_process(tmp_path / "in", tmp_path / "out")
    rows = {row["key"]: (row["edit_kind"], row["edit_operation"]) for row in read(tmp_path / "out")}
    assert rows == {unknown["key"]: (None, None), known["key"]: ("attribute", "attribute.colour")}
