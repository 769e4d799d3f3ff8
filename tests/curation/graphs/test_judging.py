"""Judging in one step and in many partitions ends with the same files and the right copies."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from making.duplicate_units import ROWS, UNITS, hashes, table, with_formats
from making.pipelines import TWO_STAGES, WITHOUT_MODELS, pipeline_text
from making.runs import digests
from oracles.duplicates import Contender, duplicates

from curation.configuration import loading
from curation.graphs import judging
from curation.judging.ledger import Counts
from curation.measuring import choosing
from curation.output import column_files
from curation.output.layout import Layout
from curation.sources import plan

ARGUMENTS = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
FOLDERS = ("ledger", "groups")


def with_drawn(unit: pa.Table, random: np.random.Generator, part: float = 0.8) -> pa.Table:
    """The same rows, so many of them drawn pictures."""
    place = unit.schema.get_field_index("synthetic")
    drawn = pa.array(random.random(unit.num_rows) < part)
    return unit.set_column(place, unit.schema.field(place), drawn)


def run(
    output: Path,
    rows: list[pa.Table],
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
    pipelines: str = WITHOUT_MODELS,
) -> dict[str, Any]:
    """Judge the units with partitions of ``limit`` rows; digests of what it wrote, and counts."""
    config = output.parent / "pipelines.yaml"
    config.write_text(pipelines)
    pipeline = loading.load(str(config), "curate")
    measured = choosing.chosen(pipeline).measured(Layout(str(output)))
    names = [f"{number:016x}" for number in range(len(rows))]
    for name, one in zip(names, rows, strict=True):
        column_files.write(measured.base_path(name), one)
    plan.write_names(str(output), names)
    monkeypatch.setattr(judging, "ROWS_PER_PARTITION", limit)
    judging.judge_units(str(output), pipeline, ARGUMENTS, sum(one.num_rows for one in rows))
    return digests(output, FOLDERS) | {
        "counts": Counts.from_bytes((output / "counts.json").read_bytes()).as_json()
    }


@pytest.fixture
def units() -> list[pa.Table]:
    random = np.random.default_rng(3)
    return [table(part, random) for part in np.split(hashes(random), UNITS)]


def group_files(output: Path) -> list[str]:
    """What says of each unit who has a duplicate, in the order of the units."""
    return sorted(map(str, (output / "groups").glob("duplicates-*/*.parquet")))


def edges(output: Path) -> set[tuple[int, int]]:
    found = column_files.read_all(Layout(str(output)).near_parts(), ("a", "b"))
    return set(zip(*(found.column(name).to_pylist() for name in "ab"), strict=True))


def test_partitions_do_not_change_what_is_written(
    units: list[pa.Table], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = run(tmp_path / "one", units, monkeypatch, 10**6)
    for limit in (300, 37):
        output = tmp_path / f"limit-{limit}"
        assert run(output, units, monkeypatch, limit) == wanted
        assert edges(output) == edges(tmp_path / "one")
        assert len(list((output / "near").iterdir())) > 1


@pytest.mark.parametrize("holding", [UNITS, 4])
def test_drawn_pictures_have_their_share_in_one_step_and_in_many(
    holding: int, units: list[pa.Table], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(5)
    units = [with_drawn(unit, random) for unit in units[:holding]] + units[holding:]
    text = pipeline_text(
        TWO_STAGES, top=["quotas: {q: {by: synthetic, share: {true: 0.2}, since: s1}}"]
    )
    wanted = run(tmp_path / "one", units, monkeypatch, 10**6, text)
    mixed = [of["true"] for of in wanted["counts"]["quotas"]["q"].values()]
    assert all(0 < of["kept"] <= 0.2 * of["of"] for of in mixed)
    bounds = [of["threshold"] for of in mixed]
    assert 1 > bounds[0] >= bounds[1]
    assert run(tmp_path / "many", units, monkeypatch, 37, text) == wanted
    turned = run(tmp_path / "turned", units[::-1], monkeypatch, 100, text)
    assert turned["counts"] == wanted["counts"]
    Counts.from_bytes((tmp_path / "many" / "counts.json").read_bytes()).check(UNITS * ROWS)


QUOTAS = (
    "quotas:",
    "  synthetic: {by: synthetic, share: {true: 0.3}, since: s1}",
    "  best: {by: format, count: 5, order: clarity, since: s1}",
    "  half: {by: format, fraction: 0.5, since: s2}",
)


def test_quotas_take_of_what_those_before_leave_in_one_step_and_in_many(
    units: list[pa.Table], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the definition: rows one by one, each quota over those that are still there."""
    random = np.random.default_rng(6)
    units = [with_formats(with_drawn(unit, random, 0.4), random) for unit in units[:6]] + units[6:]
    text = pipeline_text(TWO_STAGES, top=QUOTAS)
    wanted = run(tmp_path / "one", units, monkeypatch, 10**6, text)
    assert run(tmp_path / "many", units, monkeypatch, 37, text) == wanted
    assert (
        run(tmp_path / "turned", units[::-1], monkeypatch, 100, text)["counts"]
        == (wanted["counts"])
    )
    rows = judged(tmp_path / "one", units)
    rules = {row["rule"] for row in rows}
    assert {"synthetic.max", "best.min", "half.max"} <= rules
    quotas = wanted["counts"]["quotas"]
    for name in ("PNG", "JPEG"):
        there = [row for row in rows if row["format"] == name and row["reason"] is None]
        left = [row for row in there if row["rule"] not in FIRST and _passed(row) == 2]
        stopped = [row for row in left if row["rule"] == "best.min"]
        passed = [row for row in left if row not in stopped]
        best, half = quotas["best"]["s1"][name], quotas["half"]["s2"][name]
        last = best["threshold"]  # of its step some pass, by their sampling keys
        assert all(last <= row["bound"] <= last * (1 + 1 / 64) for row in stopped)
        assert all(row["value"] == row["clarity"] < row["bound"] for row in stopped)
        assert min(row["clarity"] for row in passed) >= last
        assert len(passed) == 5 and best["of"] == len(left)
        assert half["of"] == len(passed)
        assert half["kept"] == sum(row["verdict"] == "kept" for row in there) == len(passed) // 2


def test_shares_that_take_turns_at_stages_are_as_in_one_step_and_in_many(
    units: list[pa.Table], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(6)
    units = [with_formats(with_drawn(unit, random, 0.6), random) for unit in units[:6]] + units[6:]
    top = ("quotas:", "  synthetic: {by: synthetic, share: {true: 0.3}, since: s1}")
    formats = "  formats: {by: format, share: {PNG: 0.1}, since: s1}"
    stages = {"s1": {"short_side": {"min": 1}}, "s2": {"clarity": {"min": 0.7}}}
    text = pipeline_text(stages, keep="s1", top=[*top, formats])
    wanted = run(tmp_path / "one", units, monkeypatch, 10**6, text)
    assert run(tmp_path / "many", units, monkeypatch, 37, text) == wanted
    first, second = (of["dropped"] for of in wanted["counts"]["stages"].values())
    assert min(first["synthetic.max"], first["formats.max"], second["formats.max"]) > 0
    last = wanted["counts"]["quotas"]["formats"]["s2"]["PNG"]
    assert 0 < last["kept"] <= 0.1 * last["of"]


FIRST = {"short_side.min", "exact_better.max", "near_better.max", "synthetic.max"}


def judged(output: Path, units: list[pa.Table]) -> list[dict[str, Any]]:
    """The rows of all units with what the ledger says of them."""
    layout = Layout(str(output))
    return [
        row | entry
        for number, unit in enumerate(units)
        for row, entry in zip(
            unit.to_pylist(),
            column_files.read(layout.ledger(f"{number:016x}")).to_pylist(),
            strict=True,
        )
    ]


@pytest.mark.parametrize("drawn", [0.0, 0.3])
def test_group_columns_say_who_has_a_better_copy(
    drawn: float, units: list[pa.Table], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the definition, every row compared with every other.

    Drawn pictures come behind all others, and are copies by equal bytes alone.
    """
    random = np.random.default_rng(8)
    units = [with_drawn(unit, random, drawn) for unit in units]
    run(tmp_path / "out", units, monkeypatch, 37)
    rows: list[dict[str, Any]] = []
    for unit, path in zip(units, group_files(tmp_path / "out"), strict=True):
        told = column_files.read(path).to_pylist()
        for row, groups in zip(unit.to_pylist(), told, strict=True):
            rows.append(row | groups)
    for row in rows:
        row["rank"] = (
            1 if row["synthetic"] else -_passed(row),
            -row["pixels"],
            -row["size"],
            -row["caption_length"],
            *(row[name] for name in ("id", "key", "uri")),
        )
    known = [row for row in rows if row["phash"] is not None]
    contenders = [
        Contender(
            row["phash"],
            row["id"],
            row["rank"],
            by_bytes_alone=row["synthetic"],
            captions=row["captions_digest"],
        )
        for row in known
    ]
    expected = [tuple(vars(row).values()) for row in duplicates(contenders, radius=4)]
    columns = ("exact_better", "pair_better", "near_better", "duplicate_of")
    assert [tuple(row[name] for name in columns) for row in known] == expected
    unknown = [row for row in rows if row["phash"] is None]
    assert {tuple(row[name] for name in columns) for row in unknown} == {(0, 0, 0, None)}
    kinds = {(row["exact_better"], row["pair_better"], row["near_better"]) for row in rows}
    assert kinds >= {(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1), (0, 0, 1)}


def _passed(row: dict[str, Any]) -> int:
    """How many stages the row passes by its own rules."""
    if row["short_side"] < 256:
        return 0
    return 2 if row["clarity"] >= 0.3 and 0.02 <= row["luma"] <= 0.99 else 1


def test_contents_that_agree_in_their_first_64_bits_are_told_apart(
    units: list[pa.Table], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alike(unit: pa.Table) -> pa.Table:
        place = unit.schema.get_field_index("id")
        names = ["0" * 16 + name[16:] for name in unit.column("id").to_pylist()]
        return unit.set_column(place, unit.schema.field(place), pa.array(names))

    units = [alike(unit) for unit in units]
    wanted = run(tmp_path / "one", units, monkeypatch, 10**6)
    assert run(tmp_path / "many", units, monkeypatch, 37) == wanted
    told = [column_files.read(path) for path in group_files(tmp_path / "many")]
    ids = pa.concat_tables(units).column("id").to_pylist()
    exact = pa.concat_tables(told).column("exact_better").to_pylist()
    known = [row is not None for row in pa.concat_tables(units).column("phash").to_pylist()]
    contents = {name for name, there in zip(ids, known, strict=True) if there}
    assert sum(there and not copy for there, copy in zip(known, exact, strict=True)) == len(
        contents
    )


def test_an_empty_join_and_units_without_a_picture(
    units: list[pa.Table], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = [unit.filter(pa.array([False] * ROWS)) for unit in units[:2]]
    apart = units[2].filter(pa.array([number < 1 for number in range(ROWS)]))
    for name, limit in (("one", 100), ("many", 1)):
        told = run(tmp_path / name, [*empty, apart], monkeypatch, limit)
        assert told["counts"]["in"] == 1
    assert digests(tmp_path / "one", FOLDERS) == digests(tmp_path / "many", FOLDERS)
