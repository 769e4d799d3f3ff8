"""Rules on captions: each is judged on its own, and an image falls when none is left."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making.collection import drawing, encoded
from making.pipelines import TWO_STAGES, pipeline_text
from making.runs import carry_out, digests, ledger_rows

from curation import shard
from curation.configuration import loading
from curation.configuration.loading import Bound, ConfigurationError, NearDuplicate, Pipeline, Stage
from curation.inspect import explain, gate, rejudge
from curation.judging import captions as rules
from curation.judging.rules import Check
from curation.measuring import choosing
from curation.output.column_files import UnmeasuredColumnError
from curation.report import write_report
from curation.signals import captions

ALONE = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
RULED = """        captions:
          raw: {length: {min: 5}}
"""
DEEPER = """        captions:
          raw: {words: {min: 2, max: 9}}
          recaption: {length: {min: 3}}
"""
ROWS = {
    "two": {"caption_raw": ["a dog runs", "dog"]},
    "bad": {"caption_raw": ["dog", "cat"]},
    "late": {"caption_raw": ["dogdogdog"]},
    "other": {"caption_raw": ["x"], "caption_recaption": ["a picture of it"]},
    "none": {},
    "empty": {"caption_raw": []},
}


def text(first: str = RULED, second: str = DEEPER, keep: str = "s2") -> str:
    whole = pipeline_text(TWO_STAGES, keep=keep)
    return whole.replace("      s2:\n", f"{first}      s2:\n") + second


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    lines = []
    for number, (name, said) in enumerate(ROWS.items()):
        (folder / f"{name}.jpg").write_bytes(encoded(drawing(number, 300)))
        lines.append(json.dumps({"file_name": f"{name}.jpg", **said}))
    (folder / "rows.jsonl").write_text("\n".join(lines))
    return folder / "rows.jsonl"


def run(root: Path, inputs: Path, configuration: str) -> Path:
    root.mkdir(exist_ok=True)
    (root / "pipelines.yaml").write_text(configuration)
    carry_out([str(inputs)], str(root / "out"), ALONE, 8)
    return root / "out"


def in_shards(output: Path) -> dict[str, dict[str, object]]:
    return {
        row["key"]: row
        for info in shard.read_manifest(str(output / "shards"))
        for batch in shard.read(str(output / "shards" / info.file))
        for row in batch.to_pylist()
    }


def test_a_bad_caption_falls_and_its_image_stays_while_any_is_left(
    inputs: Path, tmp_path: Path
) -> None:
    output = run(tmp_path / "run", inputs, text())
    rows = {row["key"].split(".")[0]: row for row in ledger_rows(output)}
    fallen = {name: row["stage"] for name, row in rows.items() if row["verdict"] == "dropped"}
    assert fallen == {"bad": "s1", "late": "s2"}
    for name in fallen:
        told = rows[name]
        assert (told["rule"], told["value"], told["bound"]) == ("captions.min", 0, 1)
    kept = in_shards(output)
    stages = {
        name.split(".")[0]: [
            (caption["text"], caption["stage"])
            for split in ("caption_raw", "caption_recaption")
            for caption in row[split] or ()
        ]
        for name, row in kept.items()
    }
    assert stages == {
        "two": [("a dog runs", "s2"), ("dog", "")],
        "other": [("x", ""), ("a picture of it", "s2")],
        "none": [],
        "empty": [],
    }
    (explanation,) = explain.explain(str(output), "bad.jpg")
    assert "dropped at stage s1 by captions.min: 0 is below 1" in explain.as_text(explanation)
    met = {name: _met(output, name) for name in ("bad", "late", "two", "none", "empty")}
    assert met == {
        "bad": ["s1 failed 0.0", "s2 would fail 0.0"],
        "late": ["s1 passed 1.0", "s2 failed 0.0"],
        "two": ["s1 passed 1.0", "s2 passed 1.0"],
        "none": [],
        "empty": [],
    }
    page = Path(write_report(str(output))).read_text()
    assert "no caption is left" in page and "Does not add up" not in page
    assert "a_caption_is_left" in {entry.name for entry in gate.check(str(output))}
    looser = tmp_path / "looser.yaml"
    looser.write_text(text(second=DEEPER.replace("min: 2", "min: 1")))
    assert rejudge.compare(str(output), str(looser)).gained == 1


def _met(output: Path, name: str) -> list[str]:
    """What ``beam explain`` says of the rule that a caption must be left."""
    (explanation,) = explain.explain(str(output), f"{name}.jpg")
    return [
        f"{check.stage} {check.outcome} {check.value}"
        for check in explanation.checks
        if check.rule == "captions.min"
    ]


def test_the_gate_tells_of_a_kept_row_without_a_caption_left() -> None:
    def said(*stages: str | None) -> dict[str, object]:
        return {
            "caption_raw": [{"text": "a", "stage": stage} for stage in stages],
            "caption_recaption": None,
            "caption_fused": [],
        }

    table = pa.Table.from_pylist([said("s1", None), said("s2"), said(None), said()])
    stages = {"s1": {"captions": {"raw": {}}}, "s2": {}}
    for keep, lost in (("s1", 1), ("s2", 2)):
        assert gate._without_captions(table, {"keep": keep, "stages": stages}) == lost
    assert gate._without_captions(table, {"keep": "s2", "stages": {"s1": {}, "s2": {}}}) == 0


def test_without_rules_captions_have_no_stage_and_nothing_more_is_written(
    inputs: Path, tmp_path: Path
) -> None:
    output = run(tmp_path / "run", inputs, text("", ""))
    kept = in_shards(output)
    assert len(kept) == len(ROWS)
    assert {caption["stage"] for row in kept.values() for caption in row["caption_raw"] or ()} == {
        None
    }
    assert not [name for name in digests(output, ("groups",)) if "captions" in name]


def test_a_caption_may_pass_more_than_its_image_must(inputs: Path, tmp_path: Path) -> None:
    """Kept from s1 on: what only s2 asks of captions holds their image back there."""
    output = run(tmp_path / "run", inputs, text(keep="s1"))
    kept = in_shards(output)
    late = kept["late.jpg"]
    assert late["stage"] == "s1" and [of["stage"] for of in late["caption_raw"]] == ["s1"]


def test_a_caption_reached_no_deeper_stage_than_its_image(inputs: Path, tmp_path: Path) -> None:
    """Kept from s1 on, where another rule of s2 holds all images back."""
    dark = text(keep="s1").replace("luma: {min: 0.02", "luma: {min: 0.98")
    output = run(tmp_path / "run", inputs, dark)
    kept = in_shards(output)
    assert {row["stage"] for row in kept.values()} == {"s1"} and len(kept) == 5
    two = [of["stage"] for of in kept["two.jpg"]["caption_raw"]]
    assert two == ["s1", ""]
    (explanation,) = explain.explain(str(output), "two.jpg")
    assert "captions.min" in explain.as_text(explanation)
    assert _met(output, "two") == ["s1 passed 1.0", "s2 would pass 1.0"]
    gate.check(str(output))


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ("raw: {length: {min: 4}}", "captions.raw.length.min 4 is looser than 5 of stage 's1'"),
        ("raw: {length: {max: 4}}", "captions.raw.length.max 4: none can pass it and 5 of stage"),
        (
            "raw: {validity: {in: [valid, url]}}",
            "captions.raw.validity in 'url' is looser than stage 's1'",
        ),
    ],
)
def test_a_later_stage_only_tightens_what_is_asked_of_captions(
    second: str, says: str, tmp_path: Path
) -> None:
    config = tmp_path / "pipelines.yaml"
    first = RULED.replace("}}", "}, validity: {in: [valid, empty]}}")
    config.write_text(text(first, f"        captions:\n          {second}\n"))
    with pytest.raises(ConfigurationError) as caught:
        loading.load(str(config))
    assert says in caught.value.message
    assert caught.value.line == len(config.read_text().splitlines())
    tighter = "        captions:\n          raw: {length: {min: 5, max: 9}}\n"
    config.write_text(text(second=tighter))
    loading.load(str(config))


TEXTS = st.lists(st.text("ab ", max_size=8), max_size=4)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.fixed_dictionaries({s: st.none() | TEXTS for s in captions.SPLITS}), max_size=8))
def test_what_is_left_is_by_the_definition(rows: list[dict[str, list[str] | None]]) -> None:
    bounds = [{"raw": {"length": Bound(min=2)}}, {"raw": {"length": Bound(max=6)},
              "fused": {"words": Bound(min=1)}}]  # fmt: skip
    stages = [Stage(name=f"s{n}", resolution=1, bounds={}, captions=of) for n, of in
              enumerate(bounds)]  # fmt: skip
    pipeline = Pipeline(name="p", seed=1, keep="s1", near_duplicate=NearDuplicate(radius=4),
                        quality=(), stages=tuple(stages))  # fmt: skip
    table = pa.table(
        {
            name: column
            for entry in captions.discovered().values()
            if entry.name in ("length", "words")
            for of in [captions.measured(entry, captions.ready(entry), rows)]
            for name, column in zip(of.column_names, of.columns, strict=True)
        }
        | {captions.counted(s): [len(row[s] or ()) for row in rows] for s in captions.SPLITS}
    )
    depths = rules.depths(table, pipeline)
    written = rules.stages(depths, pipeline, len(rows)).to_pylist()
    for stage in range(2):
        seen = rules.seen(Check(stage, "captions", "min", 1.0), depths, np.full(len(rows), 9))
        for number, row in enumerate(rows):
            passed = {s: [_passed(s, t) for t in row[s] or ()] for s in captions.SPLITS}
            every = [depth for of in passed.values() for depth in of]
            assert seen.passed[number] == (not every or max(every) > stage)
            assert written[number] == {
                captions.stage_column(s): [("", "s0", "s1")[depth] for depth in of]
                for s, of in passed.items()
            }


def _passed(split: str, caption: str) -> int:
    if split == "raw" and len(caption) < 2:
        return 0
    late = len(caption) > 6 if split == "raw" else split == "fused" and not caption.split()
    return 1 if late else 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            "rew: {length: {min: 1}}",
            "unknown captions 'rew': expected one of fused, raw, recaption",
        ),
        ("raw: {lenght: {min: 1}}", "nothing called 'lenght' is measured: expected one of "),
        ("raw: {lenght: {min: 1}}", "did you mean 'length'?"),
        ("raw: {validity: {min: 1}}", "expected 'in'"),
        ("raw: {validity: {in: [valdi]}}", "it is never 'valdi': expected one of "),
        ("raw: {length: {in: [3]}}", "expected 'min', 'max' or both"),
        ("raw: {length: {}}", "expected 'min', 'max' or both"),
        ("raw: {}", "at least 1"),
    ],
)
def test_a_mistake_names_its_line_and_the_remedy(wrong: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "pipelines.yaml"
    path.write_text(text(RULED.replace("raw: {length: {min: 5}}", wrong)))
    with pytest.raises(ConfigurationError) as caught:
        loading.load(str(path))
    assert says in caught.value.message and caught.value.line == 17


def test_another_caption_signal_measures_no_image_and_no_other_signal_anew(
    inputs: Path, tmp_path: Path
) -> None:
    output = run(tmp_path / "run", inputs, text(second=""))
    before = digests(output, ("signals",))
    with pytest.raises(UnmeasuredColumnError, match="was not measured yet"):
        (tmp_path / "more.yaml").write_text(text())
        rejudge.compare(str(output), str(tmp_path / "more.yaml"))
    run(tmp_path / "run", inputs, text())
    after = digests(output, ("signals",))
    assert before.items() <= after.items()
    assert {name.split("/")[1].split("-")[1] for name in after.keys() - before.keys()} == {"words"}


def test_captions_are_ruled_by_categories(inputs: Path, tmp_path: Path) -> None:
    output = run(tmp_path / "run", inputs, text("        captions:\n"
                 "          raw: {validity: {in: [empty, url]}}\n", ""))  # fmt: skip
    kept = {name.split(".")[0] for name in in_shards(output)}
    assert kept == {"other", "none", "empty"}


def test_a_signal_of_captions_is_left_out_with_its_rules(inputs: Path, tmp_path: Path) -> None:
    pipeline = loading.load(str(_written(tmp_path, text())), "curate")
    left = choosing.without(pipeline, ["length"])
    assert [stage.captions and [*stage.captions] for stage in left.stages] == [None, ["raw"]]
    assert [entry.name for entry in choosing.chosen(left).caption_signals] == ["words"]


def _written(folder: Path, text: str) -> Path:
    path = folder / "pipelines.yaml"
    path.write_text(text)
    return path
