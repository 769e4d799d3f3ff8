"""The report in a headless browser, at the width of a phone and of a desktop, light and dark."""

from pathlib import Path
from typing import Any

import pytest
from making import browser, described_run, finished_run

from curation.report import write_report
from curation.report.collect import Collected, collect

PHONE, DESKTOP = 390, 1400
# what a reader sees: whether anything sticks out, what is hidden, how texts stand out
LOOK = """
const body = window.getComputedStyle(document.body);
const light = (colour) => {
  const parts = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => {
    const share = part / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const paper = light(body.backgroundColor);
const contrast = (colour) => {
  const [low, high] = [light(colour), paper].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
const shown = "p, td, th, b, a, h2, h3, summary, ins, label, .steps div";
const texts = [...document.querySelectorAll(shown)];
const controls = [...document.querySelectorAll("input, button")];
return {
  width: document.documentElement.scrollWidth,
  paper,
  faint: texts.filter((of) => contrast(window.getComputedStyle(of).color) < 4.5).length,
  texts: texts.length,
  hidden: document.querySelectorAll(".trial[hidden]").length,
  unlabelled: controls.filter((of) => !of.textContent && !of.labels.length).length,
  adrift: [...document.querySelectorAll("td, th")].filter((of) =>
    window.getComputedStyle(of).position !== "static").length,
  broken: [...document.images].filter((of) => !of.naturalWidth).length,
};
"""
MOVE = """
const signals = [...document.querySelectorAll(".signal")];
const trial = signals.find((of) => of.querySelector("h3").textContent === "clarity")
  .querySelector(".trial");
const slider = trial.querySelector("[data-side=min]"), result = trial.querySelector(".result");
const seen = [result.textContent];
const move = (edge) => {
  slider.value = edge;
  slider.dispatchEvent(new window.Event("input", { bubbles: true }));
  seen.push(result.textContent);
};
move(slider.max); move(slider.min);
seen.push(slider.getAttribute("aria-valuetext"));
trial.querySelector("button").click();
seen.push(result.textContent);
return seen;
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> finished_run.FinishedRun:
    return described_run.describe(finished_run.build(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def page(run: finished_run.FinishedRun) -> str:
    browser.executable()
    return Path(write_report(run.output)).read_text()


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_reads_well_and_is_labelled(
    page: str, tmp_path: Path, width: int, dark: bool
) -> None:
    seen: dict[str, Any] = browser.look(page, LOOK, tmp_path, width=width, dark=dark)
    assert seen["width"] <= width
    assert (seen["paper"] < 0.1) == dark
    assert seen["texts"] > 100
    for name in ("faint", "hidden", "unlabelled", "adrift", "broken"):
        assert seen[name] == 0, name


def test_a_moved_bound_counts_anew(
    page: str, run: finished_run.FinishedRun, tmp_path: Path
) -> None:
    collected: Collected = collect(run.output)
    clarity = next(of for of in collected.histograms if of.column == "clarity")
    kept, back = int(clarity.kept.sum()), int(clarity.alone.sum())
    assert kept > back > 0
    at_once, none, every, lowest, reset = browser.look(page, MOVE, tmp_path, width=PHONE)
    assert at_once == reset == f"{kept} kept, as configured"
    assert none == f"0 kept, −{kept}"
    assert every == f"{kept + back} kept, +{back}"
    assert float(lowest) <= 0.2
