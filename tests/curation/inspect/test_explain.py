"""A row's whole story, told from what the run left."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from making import finished_run
from making.finished_run import FinishedRun

from curation import storage
from curation.failures.exit_codes import WRONG_USAGE, exit_code_of
from curation.inspect import explain
from curation.inspect.explain import ExplainError
from curation.output.layout import Layout
from curation.report import OutcomeError

HOSTILE = "a\x1b[31m\u202egpj.exe"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    return finished_run.build(tmp_path_factory.mktemp("run"))


def ledger_rows(finished: FinishedRun) -> list[dict]:
    layout = Layout(finished.output)
    return [
        row for unit in finished.units for row in pq.read_table(layout.ledger(unit)).to_pylist()
    ]


def story_of(finished: FinishedRun, key: str) -> explain.Story:
    (story,) = explain.explain(finished.output, key)
    return story


def outcomes(story: explain.Story) -> list[tuple[str, str, str]]:
    return [(check.stage, check.rule, check.outcome) for check in story.checks]


def test_every_story_agrees_with_the_ledger(finished: FinishedRun) -> None:
    for row in ledger_rows(finished)[::7]:
        story = story_of(finished, row["key"])
        assert (story.verdict, story.stage, story.rule) == (
            row["verdict"],
            row["stage"],
            row["rule"],
        )
        failed = [check for check in story.checks if check.outcome == "failed"]
        assert [check.rule for check in failed] == ([row["rule"]] if row["rule"] else [])
        assert [check.bound for check in failed] == ([row["bound"]] if row["rule"] else [])


def test_a_dropped_row_stops_at_the_rule_that_dropped_it(finished: FinishedRun) -> None:
    row = next(
        row
        for row in ledger_rows(finished)
        if row["verdict"] == "dropped" and row["rule"] == "clarity.min"
    )
    story = story_of(finished, row["key"])
    told = outcomes(story)
    place = told.index(("s2", "clarity.min", "failed"))
    assert {outcome for _, _, outcome in told[:place]} == {"passed"}
    assert {outcome for _, _, outcome in told[place + 1 :]} == {"not reached"}
    assert story.checks[place].value == pytest.approx(row["value"])
    assert story.signals["clarity"] == pytest.approx(row["value"])
    assert f"dropped at stage s2 by clarity.min: {row['value']:.6g} is below 0.2" in (
        explain.format_story(story)
    )


def test_a_kept_row_held_back_later_names_shard_and_the_deeper_rule(finished: FinishedRun) -> None:
    row = next(row for row in ledger_rows(finished) if row["verdict"] == "kept" and row["rule"])
    story = story_of(finished, row["key"])
    assert ("s2", "clarity.min", "passed") in outcomes(story)
    assert outcomes(story)[-1] == ("s5", "clarity.min", "failed")
    assert story.shard == "shards/part-00000-of-00001.parquet"
    assert "kept, stage s2 passed; stopped after it by clarity.min" in explain.format_story(story)


def test_a_row_without_a_picture_reached_no_rule(finished: FinishedRun) -> None:
    row = next(row for row in ledger_rows(finished) if row["verdict"] == "quarantined")
    story = story_of(finished, row["key"])
    assert {check.outcome for check in story.checks} == {"not reached"}
    assert story.reason == row["reason"]
    assert story.shard is None
    assert f"quarantined: {row['reason']}" in explain.format_story(story)


def test_copies_and_their_better_row_name_each_other(finished: FinishedRun) -> None:
    rows = ledger_rows(finished)
    for rule in ("exact_better.max", "near_better.max"):
        copy = next(row for row in rows if row["rule"] == rule)
        told = story_of(finished, copy["key"])
        assert told.better is not None
        assert told.better.id == copy["duplicate_of"]
        assert told.better.key not in ("", copy["key"])
        better = story_of(finished, told.better.key)
        assert copy["key"] in [entry.key for entry in better.copies]
        assert better.copies_total == len(better.copies)


def test_key_id_location_and_its_end_find_the_same_row(finished: FinishedRun) -> None:
    story = story_of(finished, "0000.jpg")
    assert story.id is not None
    assert story_of(finished, story.id) == story
    assert story_of(finished, story.uri) == story
    assert story_of(finished, "ictures/0000.jpg") == story


def test_an_id_shared_by_copies_tells_all_their_stories(finished: FinishedRun) -> None:
    copy = next(row for row in ledger_rows(finished) if row["rule"] == "exact_better.max")
    stories = explain.explain(finished.output, copy["id"])
    assert len(stories) == 2
    assert {story.id for story in stories} == {copy["id"]}
    assert copy["key"] in [story.key for story in stories]


def test_unknown_and_ambiguous_keys_name_what_is_near(finished: FinishedRun) -> None:
    with pytest.raises(ExplainError, match=r"nearest keys: '0\d+\.jpg'") as caught:
        explain.explain(finished.output, "00004.jpeg")
    assert exit_code_of(caught.value)[0] == WRONG_USAGE
    with pytest.raises(ExplainError, match=r"several locations end so .*0\d\d\d\.jpg.*give more"):
        explain.explain(finished.output, ".jpg")
    for key in ("", "no such thing", "\udc80", "x" * 1_000_000):
        with pytest.raises(ExplainError, match="no row has this key") as caught:
            explain.explain(finished.output, key)
        assert len(str(caught.value)) < 500


def test_json_is_plain_and_complete(finished: FinishedRun) -> None:
    told = json.loads(json.dumps(story_of(finished, "0000.jpg").as_json(), allow_nan=False))
    assert told["key"] == "0000.jpg"
    assert told["uri"].endswith("pictures/0000.jpg")
    assert told["checks"][0].keys() == {"stage", "rule", "value", "bound", "outcome"}
    assert {"clarity", "luma", "short_side"} <= told["signals"].keys()


def test_hostile_keys_stay_inert_in_text_and_printable_in_json(tmp_path: Path) -> None:
    names = {0: HOSTILE, 1: b"lone \xed\xa0\x80 surrogate", 2: "k" * 1_000_000}
    finished = finished_run.build(tmp_path, rows=4, rename=names.get, caption=lambda row: b"")
    for row in range(3):
        (story,) = explain.explain(finished.output, f"{row:04d}.jpg")
        shown = explain.format_story(story)
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert len(shown) < 10_000
        json.dumps(story.as_json(), ensure_ascii=False).encode()
    assert story_of(finished, HOSTILE).key == HOSTILE
    assert story_of(finished, "lone \ud800 surrogate").as_json()["key"] == "lone \ufffd surrogate"


def test_a_folder_that_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(OutcomeError, match=r"run\.json: not there"):
        explain.explain(str(tmp_path), "key")
    storage.write_bytes(str(tmp_path / "run.json"), b"{")
    with pytest.raises(OutcomeError, match="not JSON"):
        explain.explain(str(tmp_path), "key")
