"""Instructions in a run: written where a pair has none, kept where it has, and its id stays."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from making import edit_pairs
from making.collection import drawing, encoded
from making.edit_pairs import Pair
from making.in_process import ask_here
from making.runs import ledger_rows
from PIL import Image

from curation import shard
from curation.configuration import loading
from curation.inspect import explain, gate
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


KINDS = """\
pipelines:
  instructed:
    signals: [captioning.edit_instruction]
    settings: {edit_instruction: {languages: {zh: 1}}}
    quotas: {kinds: {by: edit_kind, count: 2, since: third}}
    edits: {style: {image: {short_side: {min: 270}}}}
    keep: third
    stages:
      first:
        resolution: 256
        bounds: {short_side: {min: 256}}
      second:
        resolution: 256
        bounds:
          instruction_language: {in: [en, zh]}
          instruction_problem: {in: [none]}
      third:
        resolution: 256
        bounds: {short_side: {min: 256}}
"""


def test_bounds_quotas_report_and_shards_go_by_what_the_captioner_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound by kind of the stage in which it is asked, or before, is by sources alone."""
    pytest.importorskip("rapidocr")
    pytest.importorskip("great_expectations")
    ask_here(monkeypatch)

    def grey(seed: int, side: int, said: str | None = None) -> Pair:
        image = drawing(seed, side)
        return Pair(f"{seed}", encoded(image.convert("L").convert("RGB")), [encoded(image)], said)

    unlike = Pair("9", encoded(drawing(9, 260)), [encoded(drawing(10, 260))])
    pairs = [
        grey(1, 280), grey(2, 280), grey(3, 280, "Make it grey: black and white"), grey(4, 260),
        grey(5, 260, "Turn it into black and white"), grey(6, 280, "Passe en noir et blanc"),
        unlike,
    ]  # fmt: skip
    source = edit_pairs.write("folder", tmp_path / "in", pairs)
    path, output = tmp_path / "own.yaml", tmp_path / "out"
    path.write_text(KINDS)
    pipeline = loading.load(str(path), "instructed")
    run(Request("instructed", pipeline, (source,), str(output), ALONE, 8))
    ledger = {of["key"][0]: of for of in ledger_rows(output)}
    why = {key: (of["verdict"], of["rule"]) for key, of in ledger.items()}
    assert why["6"] == ("dropped", "instruction_language.in"), "a source's is not the captioner's"
    assert why["9"] == ("dropped", "instruction_problem.in"), "which says why there is no language"
    assert why["5"] == why["4"] == ("dropped", "short_side.min")
    assert (ledger["5"]["stage"], ledger["4"]["stage"]) == ("first", "third")
    of_quota = [why[key] for key in "123"]
    assert sorted(of_quota, key=str) == [("dropped", "kinds.max"), *[("kept", None)] * 2]

    kept = [of for file in (output / "shards").glob("*.parquet")
            for of in pq.read_table(file).to_pylist()]  # fmt: skip
    assert {row["edit_kind"] for row in kept} == {"style"}
    assert {row["instruction_language"] for row in kept} <= {"zh", "en"}
    assert all(promise.passed for promise in gate.check(str(output)))
    [section] = [of for of in (output / "report.html").read_text("utf-8").split("<section")
                 if 'id="pairs"' in of]  # fmt: skip
    counts = re.findall(r'row">(style|zh|en|no instruction)</th><td class="number">(\d+)', section)
    assert dict(counts) == {"style": "5", "zh": "3", "en": "2", "no instruction": "1"}
    (explanation,) = explain.explain(str(output), "1.jpg")
    assert "  edit          style, " in (said := explain.as_text(explanation))
    assert "(written by a captioner)" in said
