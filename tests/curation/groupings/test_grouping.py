"""Groupings: duplicates by their definition, and a second one in one process, in many, in a run."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from making import alike
from making.alike import Alike
from making.collection import drawing, encoded
from making.duplicate_units import units_of_duplicates
from making.pipelines import TWO_STAGES, pipeline_text
from making.runs import carry_out, digests, ledger_rows
from PIL import Image

from curation import shard
from curation.configuration import loading
from curation.configuration.loading import ConfigurationError
from curation.graphs import judging
from curation.groupings import discovery
from curation.groupings.duplicates.grouping import Duplicates
from curation.groupings.grouping import PASSED, Grouping
from curation.inspect import explain, gate, rejudge
from curation.judging.ledger import Counts
from curation.judging.verdicts import Judge
from curation.measuring import choosing
from curation.measuring.chosen import Chosen
from curation.output import column_files
from curation.output.layout import Layout
from curation.report import write_report
from curation.sources import plan

ALONE = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
MODULE = "curation.groupings.grouping"  # in place of a module of ours that defines it


@pytest.fixture(autouse=True)
def second_grouping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{MODULE}.ALIKE", alike.ALIKE, raising=False)


def stages(**bounds: dict[str, float]) -> dict[str, dict[str, dict[str, float]]]:
    first, second = TWO_STAGES.values()
    return {"s1": dict(first), "s2": {**second, **bounds}}


def text(**bounds: dict[str, float]) -> str:
    return pipeline_text(stages(**bounds), top=[f"groupings: [{MODULE}]"])


def judged(root: Path, units: list[pa.Table], limit: int, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """The units judged with partitions of ``limit`` rows."""
    root.mkdir()
    (root / "pipelines.yaml").write_text(text(alike={"min": 100}))
    pipeline = loading.load(str(root / "pipelines.yaml"))
    output = str(root / "out")
    measured = choosing.chosen(pipeline).measured(Layout(output))
    names = [f"{number:016x}" for number in range(len(units))]
    for name, unit in zip(names, units, strict=True):
        column_files.write(measured.base_path(name), unit)
    plan.write_names(output, names)
    monkeypatch.setattr(judging, "ROWS_PER_PARTITION", limit)
    judging.judge_units(output, pipeline, ALONE, sum(unit.num_rows for unit in units))
    return Judge(output, pipeline, choosing.chosen(pipeline))


def test_what_a_module_defines_is_found_and_fits_the_protocol() -> None:
    assert discovery.discover([MODULE]) == [alike.ALIKE]
    assert discovery.discover([]) == []
    assert isinstance(Duplicates(4, ()), Grouping)
    assert not isinstance(object(), Grouping)


def test_columns_are_the_same_in_one_process_and_in_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = units_of_duplicates(np.random.default_rng(4))
    judge = judged(tmp_path / "one", units, 10**6, monkeypatch)
    judged(tmp_path / "many", units, 37, monkeypatch)
    wanted = digests(tmp_path / "one" / "out", ("ledger", "groups"))
    told = digests(tmp_path / "many" / "out", ("ledger", "groups"))
    assert told == wanted
    assert f"groups/{judge.groups.groupings['alike'].folder}/whole.parquet" in wanted
    counts = [
        Counts.from_bytes((tmp_path / name / "out" / "counts.json").read_bytes())
        for name in ("one", "many")
    ]
    assert counts[0].as_json() == counts[1].as_json()
    assert counts[0].stopped["s2"]["alike.min"] > 0


def test_the_second_grouping_counts_by_its_definition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = units_of_duplicates(np.random.default_rng(4))
    judge = judged(tmp_path / "one", units, 10**6, monkeypatch)
    rows = [row for unit in units for row in unit.to_pylist()]
    passing = (row for row in rows if row["reason"] is None and row["short_side"] >= 256)
    wanted = Counter(row["format"] for row in passing)
    for number, unit in enumerate(units):
        grouped = judge.groups.read(f"{number:016x}")
        formats = unit.column("format").to_pylist()
        assert grouped.column("alike").to_pylist() == [name and wanted[name] for name in formats]
    whole = [alike.ALIKE.summary("u", unit.append_column(PASSED, pa.array([1] * unit.num_rows)))
             for unit in units[:3]]  # fmt: skip
    a, b, c = whole
    merge = alike.ALIKE.merge
    assert merge(merge(a, b), c).equals(merge(c, merge(b, a)))


def test_duplicates_by_their_definition_are_those_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Summary, merge and measure, in another order, against what the steps of a run wrote."""
    units = units_of_duplicates(np.random.default_rng(4))
    judge = judged(tmp_path / "one", units, 10**6, monkeypatch)
    names = [f"{number:016x}" for number in range(len(units))]
    rows = {name: judge.rows_of(name, judge.duplicates) for name in names}
    summaries = [judge.duplicates.summary(name, rows[name]) for name in names[::-1]]
    whole = summaries[0]
    for summary in summaries[1:]:
        whole = judge.duplicates.merge(whole, summary)
    for name in names:
        found = judge.duplicates.measure(name, rows[name], whole)
        assert found.equals(column_files.read(judge.groups.path("duplicates", name)))
    assert sum(found.column("near_better").to_pylist()) > 0


def test_a_mirror_image_falls_as_a_near_duplicate(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    image = drawing(3, 300)
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    (tmp_path / "in" / "own.png").write_bytes(encoded(image, "PNG"))
    (tmp_path / "in" / "mirrored.jpg").write_bytes(encoded(mirrored, quality=80))
    (tmp_path / "pipelines.yaml").write_text(text())
    output = tmp_path / "out"
    carry_out([str(tmp_path / "in")], str(output), ALONE, 3)
    rows = {row["key"]: row for row in ledger_rows(output)}
    assert rows["own.png"]["verdict"] == "kept"
    assert rows["mirrored.jpg"]["rule"] == "near_better.max"
    assert rows["mirrored.jpg"]["duplicate_of"] == rows["own.png"]["id"]
    (explanation,) = explain.explain(str(output), "mirrored.jpg")
    assert explanation.representative and explanation.representative.key == "own.png"


def test_a_grouping_is_ruled_explained_reported_and_in_the_shards(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for seed in range(7):
        kind, name = ("PNG", "png") if seed < 2 else ("JPEG", "jpg")
        (tmp_path / "in" / f"{seed}.{name}").write_bytes(encoded(drawing(seed, 300), kind))
    (tmp_path / "pipelines.yaml").write_text(text(alike={"min": 3}))
    output = tmp_path / "out"
    carry_out([str(tmp_path / "in")], str(output), ALONE, 3)
    rows = {row["key"]: row for row in ledger_rows(output)}
    fallen = rows["0.png"]
    assert (fallen["rule"], fallen["value"], fallen["bound"]) == ("alike.min", 2, 3)
    assert fallen["stage"] == "s2" and fallen["duplicate_of"] is None
    assert sorted(key for key, row in rows.items() if row["verdict"] == "kept") == [
        f"{seed}.jpg" for seed in range(2, 7)
    ]
    (explanation,) = explain.explain(str(output), "1.png")
    assert explanation.checks[-1].rule == "alike.min" and explanation.checks[-1].value == 2
    run = json.loads((output / "run.json").read_text())
    assert [*run["groups"]] == ["duplicates", "alike"]
    for info in shard.read_manifest(str(output / "shards")):
        for batch in shard.read(str(output / "shards" / info.file)):
            assert set(batch.column("alike").to_pylist()) == {5}
    assert "alike" in {entry.column for entry in gate.check(str(output))}
    assert "alike below 3" in Path(write_report(str(output))).read_text()
    looser = tmp_path / "looser.yaml"
    looser.write_text(text(alike={"min": 2}))
    compared = rejudge.compare(str(output), str(looser))
    assert compared.gained == 2
    assert run["counts"]["notes"] == [*compared.notes] == ["alike: formats: JPEG, PNG"]
    assert "note: alike: formats: JPEG, PNG" in compared.as_text()


def test_a_folder_is_named_by_what_a_grouping_depends_on(tmp_path: Path) -> None:
    def folders(version: int, *more: str, clarity: float = 0.3) -> dict[str, str]:
        (tmp_path / "p.yaml").write_text(text(clarity={"min": clarity}))
        found = choosing.chosen(loading.load(str(tmp_path / "p.yaml")))
        Alike.version = version
        groups = found.groups(Layout("out")).groupings
        return {name: of.folder for name, of in groups.items()}

    before = folders(1)
    try:
        newer, other = folders(2), folders(1, clarity=0.4)
    finally:
        Alike.version = 1
    assert newer["duplicates"] == before["duplicates"] and newer["alike"] != before["alike"]
    assert other["duplicates"] != before["duplicates"]  # they rank by what passes


@pytest.mark.parametrize(
    "line",
    [
        "quality: [pixels, alike]",
        "quality: [size]\n    quotas: {few: {by: alike, count: 3, since: s2}}",
        "quality: [size]\n    quotas: {few: {by: format, count: 3, order: near_better, since: s2}}",
    ],
)
def test_rows_are_not_ranked_by_what_a_grouping_makes(tmp_path: Path, line: str) -> None:
    """The ranks decide which rows are duplicates, and what passes, before groupings are summed."""
    config = tmp_path / "pipelines.yaml"
    config.write_text(text().replace("quality: [pixels, size]", line))
    place = config.read_text().splitlines().index(f"    {line}".splitlines()[-1]) + 1
    with pytest.raises(ConfigurationError, match=rf"yaml:{place}: .*can only be bounded"):
        choosing.chosen(loading.load(str(config)))


def test_a_newer_version_of_a_grouping_is_work_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.jpg").write_bytes(encoded(drawing(0, 300)))
    (tmp_path / "pipelines.yaml").write_text(text())
    output = tmp_path / "out"

    def folders() -> set[str]:
        return {path.parent.name for path in (output / "groups").glob("alike-*/*")}

    carry_out([str(tmp_path / "in")], str(output), ALONE, 3)
    before = folders()
    carry_out([str(tmp_path / "in")], str(output), ALONE, 3)
    assert folders() == before
    flat, mine = output / "groups" / f"{0:016x}.parquet", output / "groups" / "notes.parquet"
    flat.write_bytes(b"of an earlier version")
    mine.write_bytes(b"of the user")
    (output / "groups" / next(iter(before)) / "whole.parquet").write_bytes(b"of many partitions")
    monkeypatch.setattr(Alike, "version", 2)
    carry_out([str(tmp_path / "in")], str(output), ALONE, 3)
    assert len(folders()) == 1 and folders() != before
    assert not flat.exists() and mine.exists()


def test_what_is_set_for_a_grouping_is_typed_and_names_its_folder(tmp_path: Path) -> None:
    config = tmp_path / "pipelines.yaml"

    def load(said: str) -> Chosen:
        config.write_text(text().replace("groupings:", f"settings: {said}\n    groupings:"))
        return choosing.chosen(loading.load(str(config)))

    folders = set()
    for least in (1, 2):
        found = load(f"{{alike: {{least: {least}}}}}")
        assert found.groupings[1].settings == {"least": least}
        folders.add(found.groups(Layout("out")).groupings["alike"].folder)
    assert len(folders) == 2
    for said, says in (
        ("{alike: {least: -1}}", "'least': .*greater than or equal to 0"),
        ("{alike: {most: 1}}", "alike has no such setting: .*least"),
        ("{duplicates: {radius: 1}}", "duplicates has no settings"),
        ("{alikf: {least: 1}}", "did you mean 'alike'"),
    ):
        with pytest.raises(ConfigurationError, match=rf"yaml:\d+: .*{says}"):
            load(said)
