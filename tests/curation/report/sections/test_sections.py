"""Sections of the page: there where their columns are, counting what the ledger counts."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import described_run, finished_run
from making.described_run import TARGETS
from making.finished_run import FinishedRun
from making.pages import Page, assert_inert

from curation.output.layout import Layout
from curation.report import write_report
from curation.report.collect import Collected, collect
from curation.report.sections.additions import additions
from curation.report.sections.taxonomy import short

ANCHORS = ["taxonomy", "mix", "quotas", "retrieved", "splits"]
EVIL = "\"'><script>alert(1)</script>{{ 7 * 7 }}\u202e"


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    return described_run.describe(
        finished_run.build(tmp_path_factory.mktemp("described"), rows=160)
    )


@pytest.fixture(scope="module")
def seen(described: FinishedRun) -> Collected:
    return collect(described.output)


@pytest.fixture(scope="module")
def page(described: FinishedRun) -> Page:
    return Page(Path(write_report(described.output)).read_text())


@pytest.fixture(scope="module")
def rows(described: FinishedRun) -> list[dict[str, Any]]:
    """Ledger and columns of all rows."""
    layout, every = Layout(described.output), []
    for name in described.units:
        table = pq.read_table(finished_run.measured(layout).base_path(name))
        of_ledger = pq.read_table(layout.ledger(name)).select(["verdict", "stage", "rule"])
        for column in of_ledger.column_names:
            table = table.append_column(column, of_ledger.column(column))
        weights = pq.read_table(Layout(described.output).groups(described_run.WEIGHTS.folder, name))
        every += table.append_column("mix_weight", weights.column("mix_weight")).to_pylist()
    return every


def view(collected: Collected, anchor: str) -> Any:
    (section,) = [of for of in collected.sections if of.anchor == anchor]
    return section.view(collected.thumbnails)


def test_sections_are_there_where_their_columns_are(
    described: FinishedRun, page: Page, finished: FinishedRun
) -> None:
    def ids(of: Page) -> list[str]:
        return [str(attributes["id"]) for tag, attributes in of.tags if tag == "section"]

    assert [name for name in ids(page) if name in ANCHORS] == ANCHORS
    without = Page(Path(write_report(finished.output)).read_text())
    assert not set(ids(without)) & set(ANCHORS)
    leads = {attributes["href"] for tag, attributes in without.tags if tag == "a"}
    assert not leads & {f"#{name}" for name in ANCHORS}
    assert set(page.open) == set()
    anchors = {str(attributes["id"]) for _, attributes in page.tags if attributes.get("id")}
    leads = {str(attributes["href"])[1:] for tag, attributes in page.tags if tag == "a"}
    assert leads <= anchors


def test_the_treemap_holds_every_kept_row_of_the_ledger(
    seen: Collected, rows: list[dict[str, Any]]
) -> None:
    of = view(seen, "taxonomy")
    kept = [row for row in rows if row["verdict"] == "kept"]
    assert of["every"] == len(kept) == seen.funnel.kept
    assert of["nodeless"] == sum(row["domain"] is None for row in kept) > 0
    cells = [cell for domain in of["domains"] for cell in domain["cells"]]
    assert sum(cell["size"].kept for cell in cells) == of["kept"] == of["every"] - of["nodeless"]
    assert sum(size.supply for _, size, _ in of["by_domain"]) == sum(
        row["domain"] is not None for row in rows
    )
    dogs = next(cell for cell in cells if cell["name"] == "dog")["size"]
    own = [row for row in rows if row["cut"] == "dog (n02084071)"]
    last = [*seen.run["configuration"]["stages"]][-1]
    assert dogs.supply == len(own)
    assert dogs.kept == sum(row["verdict"] == "kept" for row in own)
    deepest = [row for row in own if row["verdict"] == "kept" and row["stage"] == last]
    assert dogs.deepest == len(deepest) > 0
    assert of["unsure"] == sum(
        row["domain"] is not None and row["node_confidence"] < 0.5 for row in kept
    )
    assert all(cell["images"] for cell in cells)


def test_the_mix_stands_beside_its_target(seen: Collected, rows: list[dict[str, Any]]) -> None:
    of = view(seen, "mix")
    (target,) = of["targets"]
    kept = [row for row in rows if row["verdict"] == "kept" and row["domain"] in TARGETS]
    total = sum(row["mix_weight"] for row in kept)
    for row in target["rows"]:
        own = [of for of in kept if of["domain"] == row["name"]]
        assert row["kept"] == len(own)
        assert row["parts"][0] == pytest.approx(100 * len(own) / len(kept))
        assert row["parts"][1] == pytest.approx(100 * sum(of["mix_weight"] for of in own) / total)
        assert row["lacks"] == max(
            0, -(-round(TARGETS[row["name"]] * len(kept) * 10) // 10) - len(own)
        )
    counts = {row["name"]: row["kept"] / TARGETS[row["name"]] for row in target["rows"]}
    assert target["limit"] == min(counts, key=lambda name: counts[name])
    assert target["largest"] == int(min(counts.values()))
    every = [row["mix_weight"] for row in rows if row["verdict"] == "kept"]
    name, mean, largest, effective = of["weights"][0]
    assert (name, largest) == ("mix_weight", 2.0)
    assert mean == pytest.approx(sum(every) / len(every))
    assert effective == pytest.approx(sum(every) ** 2 / sum(of**2 for of in every) / len(every))


def test_what_was_retrieved_says_what_became_of_it(
    seen: Collected, rows: list[dict[str, Any]]
) -> None:
    of = view(seen, "retrieved")
    own = [row for row in rows if row["retrieved_by"]]
    assert (of["rows"], of["count"]) == (len(own), 1)
    assert of["kept"] == sum(row["verdict"] == "kept" for row in own)
    (query,) = of["queries"]
    assert sum(int(said.split()[0]) for said in query["fates"]) == len(own)


def test_captions_stand_side_by_side_with_what_stopped_them(seen: Collected) -> None:
    of = view(seen, "splits")
    assert len(of["rows"]) == 12
    for row in of["rows"]:
        columns = dict(row["columns"])
        assert set(columns) == {"raw", "recaption", "fused"}
        for fused in columns["fused"]:
            added = "".join(part for part, is_added in fused["parts"] if is_added)
            assert added == " The source names Rome."
    whys = {caption["why"] for row in of["rows"] for _, own in row["columns"] for caption in own}
    assert whys & {"at s2 validity refusal, expected valid", "at s5 loop 0.9, at most 0.5"}
    fallen = {(rule.split, rule.name): number for rule, number, _ in of["fallen"]}
    assert fallen[("raw", "validity")] > 0 < fallen[("recaption", "loop")]
    assert [why for why, _, _ in of["problems"]] == ["looping"]


def test_what_strangers_and_models_say_is_escaped(tmp_path: Path) -> None:
    evil = described_run.describe(finished_run.build(tmp_path, rows=120), EVIL)
    content = Path(write_report(evil.output)).read_text()
    page = Page(content)
    assert page.open == []
    assert_inert(page)
    assert content.count("<script") == 1 and "\u202e" not in content
    text = page.all_text()
    assert text.count("<script>alert(1)</script>{{ 7 * 7 }}") > 20
    assert re.search(r"dog \(n02084071\)\"'><script>", text)


def test_a_run_of_which_nothing_is_kept_shows_nothing_empty(
    described: FinishedRun, tmp_path: Path
) -> None:
    nothing = described_run.describe(finished_run.build(tmp_path, rows=23))
    layout = Layout(nothing.output)
    for name in nothing.units:
        ledger = pq.read_table(layout.ledger(name))
        place = ledger.schema.get_field_index("verdict")
        verdicts = pa.array(["dropped"] * ledger.num_rows)
        pq.write_table(
            ledger.set_column(place, ledger.schema.field(place), verdicts), layout.ledger(name)
        )
    run = json.loads(Path(layout.run).read_text())
    Path(layout.run).write_text(json.dumps(run | {"counts": {}}))
    collected = collect(nothing.output)
    assert view(collected, "taxonomy") is None and view(collected, "mix") is None
    ids = [
        attributes.get("id")
        for _, attributes in Page(Path(write_report(nothing.output)).read_text()).tags
    ]
    assert "taxonomy" not in ids and "mix" not in ids and "quotas" not in ids


def test_a_unit_that_no_model_looked_at_only_adds_rows_without_a_node(tmp_path: Path) -> None:
    finished = described_run.describe(finished_run.build(tmp_path, rows=60))
    path = finished_run.measured(Layout(finished.output)).base_path(finished.units[-1])
    table = pq.read_table(path)
    for name in table.column_names[len(finished_run.SIGNALS) :]:
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, pa.nulls(table.num_rows))
    pq.write_table(table, path)
    collected = collect(finished.output)
    of = view(collected, "taxonomy")
    assert of["every"] == collected.funnel.kept > of["kept"] > 0
    assert write_report(finished.output)


@settings(max_examples=40)
@given(st.text("ab 猫。'", max_size=20), st.text("ab 猫。'", max_size=20))
def test_additions_join_to_the_longer_text(text: str, longer: str) -> None:
    parts = additions(text, longer)
    assert "".join(part for part, _ in parts) == longer
    assert not any(is_added for _, is_added in additions(longer, longer))


def test_additions_are_words_and_single_hanzi() -> None:
    assert additions("A cat.", "A black cat.") == [("A", False), (" black", True), (" cat.", False)]
    assert additions("一只猫", "一只黑猫") == [("一只", False), ("黑", True), ("猫", False)]


def test_a_category_is_named_without_the_number_of_its_node() -> None:
    assert short("bird of prey (n01604330)") == "bird of prey"
    assert short("design") == "design" and short("a (nothing)") == "a (nothing)"
