"""Moved bounds: the counts of ``beam judge``, row by row, and what moves along."""

from pathlib import Path

import numpy as np
import pytest
from making.asgi_client import Client

pytest.importorskip("duckdb")

from curation.failures.errors import UsageError
from curation.inspect import rejudge
from curation.report.outcome import Bound
from curation.serving import sliders, trials
from curation.serving.asked import Asked
from curation.serving.run_rows import Rows
from curation.serving.site import Site
from curation.serving.trials import Trials

MOVES = [
    "s2.clarity.min:0.97",
    "s1.short_side.min:50,s2.luma.max:0.503",
    "s1.near_better.max:9,s1.exact_better.max:9,s5.full_sharpness.min:0.65",
]


def test_as_configured_it_is_the_run(rows: Rows) -> None:
    trial = Trials(rows).trial(())
    assert trial.comparison.before == trial.comparison.after
    assert (trial.comparison.gained, trial.comparison.lost, trial.moved) == (0, 0, ())
    verdicts = np.array(rows.column("verdict").to_pylist())
    assert ((verdicts == "kept") == trial.rows["kept"]).all()
    assert 5 < trial.comparison.after["kept"] < len(rows) - 5


@pytest.mark.parametrize("moved", MOVES)
def test_counts_are_those_of_beam_judge(moved: str, rows: Rows, made: Path, tmp_path: Path) -> None:
    known = Trials(rows)
    trial = known.trial(known.parsed(moved))
    config = tmp_path / "moved.yaml"
    lines = [*trials.as_yaml("base", known.bounds, trial.moved)]
    base = (made / "pipelines.yaml").read_text().replace("  curate:", "  base:")
    config.write_text(base + "\n".join(lines[1:]) + "\n")
    judged = rejudge.compare(str(made / "out"), str(config), name="moved")
    ours = trial.comparison.as_json()
    assert ours | {"file": "", "pipeline": ""} == judged.as_json() | {"file": "", "pipeline": ""}
    assert judged.before["kept"] + judged.gained - judged.lost == judged.after["kept"]
    assert {name: int(of.sum()) for name, of in trial.rows.items()} == {
        "kept": judged.after["kept"],
        "gained": judged.gained,
        "lost": judged.lost,
        "undecided": judged.undecided,
    }
    assert judged.rules_before != judged.rules_after


def test_the_grid_shows_what_would_come_in(site: Site) -> None:
    verdicts = np.array(site.rows.column("verdict").to_pylist())
    for which, verdict in (("gained", "dropped"), ("lost", "kept")):
        asked = Asked(moved="s2.clarity.min:0.97", would=which, order="key")
        numbers = site.selection(asked).numbers  # others fill the quota
        assert len(numbers) and set(verdicts[numbers]) == {verdict}


def bound(stage: str, value: float, side: str, scale: float = 1.0) -> Bound:
    return Bound(stage, "grain", side, value, scale)  # type: ignore[arg-type]


def test_later_bounds_that_would_ask_less_move_along() -> None:
    bounds = {
        "s1.grain.min": bound("s1", 10, "min", 256.0),
        "s1.grain.max": bound("s1", 200, "max", 256.0),
        "s2.grain.min": bound("s2", 30, "min", 640.0),
        "s5.grain.min": bound("s5", 99, "min", 640.0),
    }
    assert trials.along(bounds, {}) == {}
    assert trials.along(bounds, {"s2.grain.min": 1}) == {"s2.grain.min": 1}  # looser: as it says
    moved = trials.along(bounds, {"s1.grain.min": 20.1})
    assert moved["s2.grain.min"] / 640 >= 20.1 / 256 and "s5.grain.min" not in moved
    assert moved["s2.grain.min"] == pytest.approx(50.25, abs=1e-9)
    assert len(trials.along(bounds, {"s1.grain.min": 50})) == 3
    assert trials.along(bounds, {"s1.grain.max": 100}) == {"s1.grain.max": 100}


@pytest.mark.parametrize(
    ("moved", "says"),
    [
        ("s2.clarty.min:1", r"no bound 's2\.clarty\.min': .*did you mean 's2\.clarity\.min'"),
        ("s2.clarity.min:nan", "expected a number, not 'nan'"),
        ("s2.clarity.min:1e999", "expected a number"),
        ("s2.clarity.min:", "expected a number, not ''"),
        ("s2.luma.min:0.999", "at least 0.999 and at most 0.99: no value can pass"),
        ("x" * 5000, "no bound"),
    ],
)
def test_what_is_no_bound_is_refused(moved: str, says: str, rows: Rows) -> None:
    known = Trials(rows)
    with pytest.raises(UsageError, match=says):
        known.trial(known.parsed(moved))


def test_sliders_stand_at_their_bounds(site: Site) -> None:
    moved = site.trials.parsed("s2.clarity.min:0.5")
    shown = {slider.name: slider for of in sliders.ruled(site, moved) for slider in of.sliders}
    assert shown.keys() == site.trials.bounds.keys()
    for name, slider in shown.items():
        values = [float(of) for of in slider.values.split(",")]
        assert values == sorted(set(values)) and len(values) == slider.last + 1
        assert values[slider.edge] == pytest.approx(slider.value)
        assert slider.configured == site.trials.bounds[name].bound
    assert shown["s2.clarity.min"].value == 0.5 and shown["s2.clarity.min"].configured == 0.3


def test_the_server_judges(client: Client) -> None:
    said = client.get("/judge?moved=s2.clarity.min:0.97").content
    assert said["after"]["kept"] < said["before"]["kept"]
    assert said["numbers"]["lost"] and said["bounds"] == {
        "s2.clarity.min": 0.97,
        "s5.clarity.min": 0.97,
    }
    assert "clarity: {min: 0.97}" in said["yaml"] and said["links"]["lost"].startswith("/?")
    wrong = client.get("/judge?moved=s2.clarity.min:dark")
    assert (wrong.status, wrong.content["error"][:17]) == (400, "s2.clarity.min: e")
