"""Instructions in a run: written where a pair has none, kept where it has, and its id stays."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from making import edit_pairs
from making.collection import drawing, encoded
from making.edit_pairs import Pair
from making.in_process import ask_here
from PIL import Image

from curation import shard
from curation.configuration import loading
from curation.inspect import gate
from curation.request import Request
from curation.run import run

ALONE = ("--direct_num_workers=1", "--direct_running_mode=in_memory")
PIPELINE = """\
pipelines:
  instructed:
    signals: [captioning.edit_instruction]
    settings: {edit_instruction: {languages: {zh: 1}}}
    measure: [caption_instruction, instruction_problem]
    stages:
      first: {resolution: 256}
"""


def rows(tmp_path: Path, name: str, source: str) -> dict[str, dict[str, Any]]:
    """The rows of a run by their keys' first letters."""
    path = tmp_path / "own.yaml"
    path.write_text(PIPELINE)
    output = tmp_path / name
    pipeline = loading.load(str(path), "instructed")
    run(Request("instructed", pipeline, (source,), str(output), ALONE, 8))
    assert all(promise.passed for promise in gate.check(str(output)))
    made = [of for file in sorted((output / "shards").glob("*.parquet"))
            for of in pq.read_table(file).to_pylist()]  # fmt: skip
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "written by a captioner" in page or name == "again"
    return {Path(row["key"]).name[0]: row for row in made}


def test_a_pair_without_an_instruction_gets_one_and_keeps_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rapidocr")
    pytest.importorskip("great_expectations")
    ask_here(monkeypatch)
    result = drawing(1, 280)
    mirrored = Image.fromarray(np.ascontiguousarray(np.asarray(result)[:, ::-1]))
    pairs = [
        Pair("a", encoded(result), [encoded(mirrored)]),
        Pair("b", encoded(result), [encoded(mirrored)], "Flip it."),
        Pair("c", encoded(result), [encoded(drawing(2, 280))]),
    ]
    first = rows(tmp_path, "out", edit_pairs.write("folder", tmp_path / "in", pairs))
    [caption] = first["a"]["caption_instruction"]
    assert "翻转" in caption["text"] or "镜像" in caption["text"]
    assert caption["origin"] == shard.CAPTIONER and caption["language"] == "zh"
    assert [of["text"] for of in first["b"]["caption_instruction"]] == ["Flip it."]
    assert first["c"]["caption_instruction"] == []
    assert first["c"]["instruction_problem"] == "unclear"

    again = rows(tmp_path, "again", str(tmp_path / "out" / "shards"))
    assert {of["id"] for of in again.values()} == {of["id"] for of in first.values()}
    kept = {of["id"]: of["caption_instruction"] for of in first.values()}
    for row in again.values():
        assert [of["text"] for of in row["caption_instruction"]] == [
            of["text"] for of in kept[row["id"]]
        ]
