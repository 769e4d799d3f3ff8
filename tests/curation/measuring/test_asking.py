"""Models that die or hang: the image that it is of is quarantined, and the rest goes on."""

import os
import signal as signals
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from making.collection import drawing, encoded
from making.measured_units import MeasuredUnit
from making.odd_models import ASKED, MODELS, ODD
from making.places import ROOT
from making.runs import ledger_rows

from curation.measuring import asking
from curation.measuring.asking import Asking
from curation.measuring.here import Here
from curation.networks.weights import MissingModelError
from curation.sources.sample import Caption, Sample

SIDES = (300, ODD, 320, 330)


def samples(sides: tuple[int, ...] = SIDES) -> list[Sample]:
    return [
        Sample(f"u/{n}", f"k{n}", encoded(drawing(n, side)), None, path="",
               caption_raw=(Caption(f"caption {n}"),))
        for n, side in enumerate(sides)
    ]  # fmt: skip


@pytest.fixture
def asker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    monkeypatch.setattr(asking, "MODULE", "making.odd_models")
    asker = Asking(())
    yield asker
    asker.close()
    asking.end()


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("dying", "dying: DiedError: the model ended its process by SIGSEGV"),
        ("stuck", "stuck: HangError: no answer in 1 s"),
    ],
)
def test_an_image_that_a_model_ends_at_is_quarantined_and_the_rest_goes_on(
    tmp_path: Path, asker: Asking, name: str, detail: str
) -> None:
    entry, score = MODELS[name], MODELS["score"]
    unit = MeasuredUnit(tmp_path, samples(), [entry, score])
    unit.look([entry, score], range(4), asker=asker)
    assert unit.column(name) == [300, None, 320, 330]
    assert unit.column("detail") == [None, detail, None, None]
    assert unit.column("reason") == [None, "unmeasurable", None, None]
    assert unit.column("score") == [*SIDES]


def test_a_model_that_never_answers_ends_the_run(
    tmp_path: Path, asker: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_LOST", 2)
    entry = MODELS["leaving"]
    unit = MeasuredUnit(tmp_path, samples((ODD, ODD)), [entry])
    with pytest.raises(MissingModelError, match=r"no answer about 2 images .* --without leaving"):
        unit.look([entry], range(2), asker=asker)


def test_what_does_not_lie_in_a_row_ends_the_run(tmp_path: Path, asker: Asking) -> None:
    unit = MeasuredUnit(tmp_path, samples((300,)), [MODELS["unreachable"]])
    with pytest.raises(OSError, match="the endpoint does not answer"):
        unit.look([MODELS["unreachable"]], [0], asker=asker)


def test_what_a_model_raises_is_logged_with_its_place_once(
    tmp_path: Path, asker: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    entry = MODELS["failing"]
    unit = MeasuredUnit(tmp_path, samples((ODD, 300, ODD)), [entry])
    unit.look([entry], range(3), asker=asker)
    assert unit.column("failing") == [None, 300, None]
    assert "ValueError" in unit.column("detail")[0]
    [record] = caplog.records
    said = record.getMessage()
    assert "'failing'" in said and "odd_models.py" in said and "in _fail" in said
    assert "no such column" in said and "\x1b" not in said


def test_where_the_process_of_models_fails_it_says_why_before_it_ends(
    tmp_path: Path, asker: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    unknown = replace(MODELS["score"], name="unknown")  # to the other process
    unit = MeasuredUnit(tmp_path, samples((300,)), [unknown])
    with pytest.raises(MissingModelError, match="unknown"):
        unit.look([unknown], [0], asker=asker)
    assert "in _load" in caplog.text and "KeyError: 'unknown'" in caplog.text


def test_another_process_says_what_this_one_would(tmp_path: Path, asker: Asking) -> None:
    names = ["score", "lists"]
    tables = []
    for where, which in (("there", asker), ("here", Here())):
        unit = MeasuredUnit(tmp_path / where, samples(), [MODELS[name] for name in names])
        unit.look([MODELS["score"]], range(4), asker=which)
        unit.base = unit.base.append_column("score", unit.table(["score"]).column("score"))
        unit.look([MODELS["lists"]], range(4), asker=which)
        tables.append(unit.table(["said", "places", "is_odd"]))
    assert tables[0].equals(tables[1])
    assert "'score': 310.0" in tables[0].column("said")[1].as_py()
    assert "caption 1" in tables[0].column("said")[1].as_py()


def test_its_process_does_not_outlive_the_one_that_asks(tmp_path: Path) -> None:
    (tmp_path / "odd.png").write_bytes(encoded(drawing(1, ODD), "PNG"))
    work = (
        "import sys\nfrom making.odd_models import MODELS\nfrom curation.measuring import asking\n"
        "from curation.signals.row import Row\nasking.MODULE = 'making.odd_models'\n"
        "asker, entry = asking.Asking(()), MODELS['silent']\n"
        "asker.begin({0: Row('', open(sys.argv[1], 'rb').read(), {}, {})})\n"
        "asker._load(entry, entry.settings())\nprint(asker._process._process.pid, flush=True)\n"
        "asker._exchange({'do': 'ask', 'name': 'silent', 'numbers': [0], 'columns': [{}]}, 60, [0])"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-c", work, str(tmp_path / "odd.png")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout
        other = psutil.Process(int(parent.stdout.readline()))
        time.sleep(0.3)  # it holds on to Python's lock by now
        assert other.is_running()
        parent.send_signal(signals.SIGKILL)
    psutil.wait_procs([other], timeout=20)
    assert not other.is_running() or other.status() == psutil.STATUS_ZOMBIE


RUN = "import sys\nfrom making import odd_models\nodd_models.carry_out(*sys.argv[1:])"


def run(root: Path, mode: str) -> None:
    """A run whose models ``score`` and ``dying`` are ruled, with two workers, from a process."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    environment[ASKED] = str(root / "asked.txt")
    command = [sys.executable, "-c", RUN, str(root), mode]
    subprocess.run(command, env=environment, check=True)


@pytest.mark.parametrize("mode", ["multi_threading", "multi_processing"])
def test_a_run_goes_on_when_a_model_dies(tmp_path: Path, mode: str) -> None:
    (tmp_path / "in").mkdir()
    for number in range(9):
        side = ODD if number == 4 else 300 + 20 * number
        data = encoded(drawing(number, side), "PNG")
        (tmp_path / "in" / f"{number}.png").write_bytes(data)
    run(tmp_path, mode)
    rows = {row["key"]: row for row in ledger_rows(tmp_path / "out")}
    reasons = {key: row["reason"] for key, row in rows.items() if row["verdict"] != "kept"}
    assert reasons == {
        "4.png": "unmeasurable: dying: DiedError: the model ended its process by SIGSEGV"
    }
    asked = [line.split() for line in (tmp_path / "asked.txt").read_text().splitlines()]
    seen = {row for batch in asked for row in batch}
    assert seen == {row["id"] for row in rows.values()}
    assert [rows["4.png"]["id"]] in asked and max(map(len, asked)) > 1
