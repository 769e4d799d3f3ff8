"""Everything known of one row, read from what the run left."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from making import finished_run, runs
from making.collection import make_folder
from making.finished_run import FinishedRun

from curation import storage
from curation.failures.exit_codes import WRONG_USAGE, exit_code_of
from curation.inspect import explain
from curation.inspect.explain import ExplainError
from curation.inspect.explanation import as_text
from curation.output.layout import Layout
from curation.report import OutcomeError

UNTRUSTED = "a\x1b[31m\u202egpj.exe"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    return finished_run.build(tmp_path_factory.mktemp("run"))


def ledger_rows(finished: FinishedRun) -> list[dict]:
    layout = Layout(finished.output)
    return [
        row for unit in finished.units for row in pq.read_table(layout.ledger(unit)).to_pylist()
    ]


def explanation_of(finished: FinishedRun, key: str) -> explain.Explanation:
    (explanation,) = explain.explain(finished.output, key)
    return explanation


def outcomes(explanation: explain.Explanation) -> list[tuple[str, str, str]]:
    return [(check.stage, check.rule, check.outcome) for check in explanation.checks]


def test_every_explanation_agrees_with_the_ledger(finished: FinishedRun) -> None:
    for row in ledger_rows(finished)[::7]:
        explanation = explanation_of(finished, row["key"])
        assert (explanation.verdict, explanation.stage, explanation.rule) == (
            row["verdict"],
            row["stage"],
            row["rule"],
        )
        failed = [check for check in explanation.checks if check.outcome == "failed"]
        assert [check.rule for check in failed] == ([row["rule"]] if row["rule"] else [])
        assert [check.bound for check in failed] == ([row["bound"]] if row["rule"] else [])


def test_a_dropped_row_stops_at_the_rule_that_dropped_it(finished: FinishedRun) -> None:
    row = next(
        row
        for row in ledger_rows(finished)
        if row["verdict"] == "dropped" and row["rule"] == "clarity.min"
    )
    explanation = explanation_of(finished, row["key"])
    checks = outcomes(explanation)
    place = checks.index(("s2", "clarity.min", "failed"))
    assert {outcome for _, _, outcome in checks[:place]} == {"passed"}
    for check in explanation.checks[place + 1 :]:  # by the values that are there
        within = check.value is not None and (
            check.value >= check.bound
            if check.rule.endswith(".min")
            else check.value <= check.bound
        )
        known = "would pass" if within else "would fail"
        assert check.outcome == ("not reached" if check.value is None else known)
    assert "would fail" in {check.outcome for check in explanation.checks}
    assert "\n  would fail    " in explain.as_text(explanation)
    assert explanation.checks[place].value == pytest.approx(row["value"])
    assert explanation.signals["clarity"] == pytest.approx(row["value"])
    assert f"dropped at stage s2 by clarity.min: {row['value']:.6g} is below 0.2" in (
        explain.as_text(explanation)
    )


def test_a_kept_row_held_back_later_names_shard_and_the_deeper_rule(finished: FinishedRun) -> None:
    row = next(row for row in ledger_rows(finished) if row["verdict"] == "kept" and row["rule"])
    explanation = explanation_of(finished, row["key"])
    assert ("s2", "clarity.min", "passed") in outcomes(explanation)
    assert outcomes(explanation)[-1] == ("s5", "clarity.min", "failed")
    assert explanation.shard == "shards/part-00000-of-00001.parquet"
    assert "kept, stage s2 passed; stopped after it by clarity.min" in explain.as_text(explanation)


def test_a_row_without_an_image_reached_no_rule(finished: FinishedRun) -> None:
    row = next(row for row in ledger_rows(finished) if row["verdict"] == "quarantined")
    explanation = explanation_of(finished, row["key"])
    assert {check.outcome for check in explanation.checks} == {"not reached"}
    assert explanation.reason == row["reason"]
    assert explanation.shard is None
    assert f"quarantined: {row['reason']}" in explain.as_text(explanation)


def test_duplicates_and_their_representative_name_each_other(finished: FinishedRun) -> None:
    rows = ledger_rows(finished)
    for rule in ("exact_better.max", "near_better.max"):
        duplicate = next(row for row in rows if row["rule"] == rule)
        explained = explanation_of(finished, duplicate["key"])
        assert explained.representative is not None
        assert explained.representative.id == duplicate["duplicate_of"]
        assert explained.representative.key not in ("", duplicate["key"])
        representative = explanation_of(finished, explained.representative.key)
        assert duplicate["key"] in [entry.key for entry in representative.duplicates]
        assert representative.duplicates_total == len(representative.duplicates)


def test_key_id_location_and_its_end_find_the_same_row(finished: FinishedRun) -> None:
    explanation = explanation_of(finished, "0000.jpg")
    assert explanation.id is not None
    assert explanation_of(finished, explanation.id) == explanation
    assert explanation_of(finished, explanation.uri) == explanation
    assert explanation_of(finished, "ictures/0000.jpg") == explanation


def test_an_id_shared_by_duplicates_explains_them_all(finished: FinishedRun) -> None:
    duplicate = next(row for row in ledger_rows(finished) if row["rule"] == "exact_better.max")
    explanations = explain.explain(finished.output, duplicate["id"])
    assert len(explanations) == 2
    assert {explanation.id for explanation in explanations} == {duplicate["id"]}
    assert duplicate["key"] in [explanation.key for explanation in explanations]


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
    plain = json.loads(json.dumps(explanation_of(finished, "0000.jpg").as_json(), allow_nan=False))
    assert plain["key"] == "0000.jpg"
    assert plain["uri"].endswith("pictures/0000.jpg")
    assert (Path(finished.output) / plain["measured"]).is_file()
    assert plain["checks"][0].keys() == {
        *("stage", "rule", "value", "bound", "outcome", "scale", "evidence")
    }
    assert {"clarity", "luma", "short_side"} <= plain["signals"].keys()
    assert plain["units"]["clarity"] == "0 to 1" and plain["units"]["short_side"] == "pixels"


def test_untrusted_keys_stay_inert_in_text_and_printable_in_json(tmp_path: Path) -> None:
    names = {0: UNTRUSTED, 1: b"lone \xed\xa0\x80 surrogate", 2: "k" * 1_000_000}
    finished = finished_run.build(tmp_path, rows=4, rename=names.get, caption=lambda row: b"")
    for row in range(3):
        (explanation,) = explain.explain(finished.output, f"{row:04d}.jpg")
        shown = explain.as_text(explanation)
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert len(shown) < 10_000
        json.dumps(explanation.as_json(), ensure_ascii=False).encode()
    assert explanation_of(finished, UNTRUSTED).key == UNTRUSTED
    assert (
        explanation_of(finished, "lone \ud800 surrogate").as_json()["key"]
        == "lone \ufffd surrogate"
    )


def test_a_folder_that_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(OutcomeError, match=r"run\.json: not there"):
        explain.explain(str(tmp_path), "key")
    storage.write_bytes(str(tmp_path / "run.json"), b"{")
    with pytest.raises(OutcomeError, match="not JSON"):
        explain.explain(str(tmp_path), "key")


def test_a_kept_row_tells_its_captions_and_a_quota_what_ranks(tmp_path: Path) -> None:
    make_folder(tmp_path / "in", 4)
    quota = "    quotas: {few: {by: format, count: 1, order: luma, since: s2}}\n"
    text = runs.WITHOUT_MODELS.replace("    signals: []\n", f"    signals: []\n{quota}")
    (tmp_path / "pipelines.yaml").write_text(text)
    alone = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
    runs.carry_out([str(tmp_path / "in")], str(tmp_path / "out"), alone, 8)
    rows = runs.ledger_rows(tmp_path / "out")
    told = {
        row["rule"] or row["verdict"]: as_text(
            explain.explain(str(tmp_path / "out"), row["key"])[0]
        )
        for row in rows
    }
    assert re.search("caption +raw: drawing [0-9]", told["kept"])
    assert re.search(r"few.min: beyond the quota: its luma [\d.]+ is below [\d.]+", told["few.min"])


def test_what_was_seen_where_is_said_in_a_line() -> None:
    from curation.inspect.explanation import value_said

    quad = [28.4, 118.6, 135.4, 57.1, 145.6, 75.0, 40.0, 137.0]
    seen = [
        {"kind": "latin", "text": "SAMPLE", "score": 1.0, "quad": quad},
        {"kind": "seam", "text": None, "score": 0.5, "quad": quad},
    ]
    assert value_said(seen) == '2: latin "SAMPLE" at 28,57; seam at 28,57'
    assert value_said([]) == "[]"


def test_in_short_are_the_rules_that_a_row_fails_and_the_numbers_of_others(
    finished: FinishedRun,
) -> None:
    row = next(row for row in ledger_rows(finished) if row["verdict"] == "dropped" and row["rule"])
    explanation = explanation_of(finished, row["key"])
    short, long = as_text(explanation, short=True), as_text(explanation)
    assert [line for line in short.splitlines() if "    failed  " in line] == [
        line for line in long.splitlines() if "    failed  " in line
    ]
    assert "  signals" in long.splitlines() and "  signals" not in short.splitlines()
    numbers = re.findall(r"(\d+) (?:passed|failed|would|not)", short)
    assert sum(map(int, numbers)) == len(explanation.checks)
    assert short.endswith("--long")
