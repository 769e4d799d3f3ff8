"""The pages in a headless browser: at the width of a phone and of a desktop, light and dark, by
clicks and by keys.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from making import driven_browser
from making.driven_browser import Tab

pytest.importorskip("duckdb")
pytest.importorskip("uvicorn")

import uvicorn

from curation.networks.serving import Access, address, configuration, listening
from curation.serving.application import application
from curation.serving.run_rows import Rows
from curation.serving.site import Site
from curation.shard.picks import Mark, Recorder

PHONE, DESKTOP = 390, 1280
# what a reader sees: whether anything sticks out, how texts stand out, what has no name
LOOK = """(() => {
  const light = (colour) => {
    const parts = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const faint = (element) => {
    const [low, high] = [light(getComputedStyle(element).color), paper].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05) < 4.5;
  };
  const named = (of) => of.textContent.trim() || of.ariaLabel || (of.labels && of.labels.length);
  const controls = [...document.querySelectorAll("input:not([type=hidden]), button, select, a")]
    .filter((of) => !of.closest("[hidden]"));
  return {
    width: document.documentElement.scrollWidth, paper,
    faint: [...document.querySelectorAll("p, td, th, b, h1, h2, summary, label, a, bdi")]
      .filter((of) => of.textContent.trim() && faint(of)).map((of) => of.textContent.trim()),
    unlabelled: controls.filter((of) => !named(of) && !of.querySelector("img[alt]")).length,
    small: controls.filter((of) => of.matches("button") && of.getBoundingClientRect().height > 0
      && of.getBoundingClientRect().height < 24).length,
    broken: [...document.images].filter((of) => of.complete && !of.naturalWidth).length,
  };
})()"""
MOVED = "dispatchEvent(new Event('input', {bubbles: true}))"
Served = tuple[str, Site]


@pytest.fixture(scope="module")
def served(rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    recorder = Recorder(tmp_path_factory.mktemp("picks") / "picks.jsonl")
    site = Site(rows, recorder)
    listener = listening("127.0.0.1", 0)
    server = uvicorn.Server(configuration(application(site, Access()), ending=2))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    yield address(listener), site
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with driven_browser.opened(tmp_path_factory.mktemp("browser")) as tab:
        yield tab


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("dark", [False, True])
def test_pages_fit_read_well_and_are_labelled(
    tab: Tab, served: Served, width: int, dark: bool
) -> None:
    tab.problems.clear()
    tab.show(width, dark=dark)
    for link in ("/?show=24", "/image/3", "/bounds?moved=s2.clarity.min:0.5", "/pair", "/columns"):
        tab.open(served[0] + link)
        seen: dict[str, Any] = tab.ask(LOOK)
        assert seen["width"] <= width, link
        assert (seen["paper"] < 0.1) == dark
        assert (seen["faint"], seen["unlabelled"], seen["small"], seen["broken"]) == ([], 0, 0, 0)
    assert tab.problems == []


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_images_are_picked_and_rated_by_keys_and_clicks(tab: Tab, served: Served) -> None:
    address, site = served
    tab.show(DESKTOP)
    tab.open(f"{address}/?order=key&where=verdict+%3D+%27kept%27")
    cards = tab.ask("[...document.querySelectorAll('.card')].map((of) => of.dataset.number)")
    first, second, third = (site.named(int(number))[0] or "" for number in cards[:3])
    marks = site.recorder.said.marks
    tab.press("ArrowRight")
    tab.press("y")
    tab.press("4")
    wait_until(lambda: marks.get(first) == Mark("keep", 4))
    tab.press("ArrowRight")
    tab.press("x")
    wait_until(lambda: marks.get(second) == Mark("reject", None))
    tab.ask("document.querySelectorAll('.card')[2].querySelector('[data-rate=\"2\"]').click()")
    wait_until(lambda: marks.get(third) == Mark(None, 2))
    pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map((of) => of.ariaLabel)"
    tab.wait(f"({pressed}).length === 4")
    tab.open(f"{address}/?order=key&where=verdict+%3D+%27kept%27")
    assert tab.ask(pressed) == ["keep", "rate 4 of 5", "reject", "rate 2 of 5"]
    tab.press("ArrowRight")
    tab.press("0")
    wait_until(lambda: first not in marks)
    tab.press("Enter")
    tab.wait(f"location.pathname === '/image/{cards[0]}'")
    tab.press("ArrowRight")
    tab.wait(f"location.pathname === '/image/{cards[1]}'")
    tab.press("y")
    wait_until(lambda: marks.get(second) == Mark("keep", None))
    tab.press("u")
    tab.wait("location.pathname === '/'")
    assert tab.ask("new URL(location).searchParams.get('order')") == "key"


def test_a_moved_bound_is_judged_and_its_images_shown(tab: Tab, served: Served) -> None:
    address, site = served
    tab.show(PHONE)
    tab.open(f"{address}/bounds")
    configured = site.trials.trial(()).comparison.before["kept"]
    tab.wait(f"document.getElementById('kept').textContent === '{configured} kept'")
    slider = "document.getElementById('s2.clarity.min')"
    exact = f"{slider}.nextElementSibling"
    tab.ask(f"{exact}.value = '0.97', {exact}.{MOVED}")
    moved = site.trials.trial(site.trials.parsed("s2.clarity.min:0.97")).comparison
    tab.wait(f"document.getElementById('lost').textContent === '{moved.lost} fall out'")
    assert tab.ask("document.getElementById('kept').textContent") == f"{moved.after['kept']} kept"
    assert "clarity: {min: 0.97}" in tab.ask("document.getElementById('yaml').textContent")
    tab.open(tab.ask("location.href"))  # the state is in the link
    tab.wait(f"document.getElementById('lost').textContent === '{moved.lost} fall out'")
    assert tab.ask(f"{exact}.value") == "0.97"
    tab.ask("document.getElementById('lost').click()")
    tab.wait("location.pathname === '/'")
    assert tab.wait("document.getElementById('total').textContent") == str(moved.lost)
    tab.open(f"{address}/bounds")
    tab.ask(f"{slider}.value = {slider}.max, {slider}.{MOVED}")
    tab.wait("document.getElementById('change').textContent.startsWith('−')")
    tab.ask("document.getElementById('reset').click()")
    tab.wait("document.getElementById('change').textContent === 'as configured'")
    box = "document.querySelector('[data-name=\"s2.caption_raw.validity.in\"] [value=boilerplate]')"
    tab.ask(f"{box}.focus()")
    tab.press(" ")
    moved = site.trials.trial(site.trials.parsed("s2.caption_raw.validity.in:valid")).comparison
    tab.wait(f"document.getElementById('kept').textContent === '{moved.after['kept']} kept'")
    raw = f"raw captions kept: {moved.captions_before['raw']} → {moved.captions_after['raw']}"
    assert tab.ask("document.getElementById('captions').textContent") == raw
    assert 'validity: {in: ["valid"]}' in tab.ask("document.getElementById('yaml').textContent")
    tab.open(tab.ask("location.href"))
    tab.wait(f"document.getElementById('kept').textContent === '{moved.after['kept']} kept'")
    assert tab.ask(f"{box}.checked") is False


def test_the_better_of_two_is_said_by_keys(tab: Tab, served: Served) -> None:
    address, site = served
    tab.show(DESKTOP)
    tab.open(f"{address}/pair?order=key&where=verdict+%3D+%27kept%27")
    numbers = tab.ask("document.querySelector('.two').dataset.numbers").split(",")
    left, right = (site.named(int(number))[0] or "" for number in numbers)
    tab.press("ArrowRight")
    wait_until(lambda: site.recorder.said.preferences)
    assert site.recorder.said.preferences == [(right, left)]
    tab.wait("new URL(location).searchParams.get('page') === '2'")
    tab.press(",")
    chosen = "document.querySelector('.choice[aria-pressed=true] b')?.textContent"
    tab.wait(f"{chosen} === 'right is better'")
    tab.press("0")
    wait_until(lambda: not site.recorder.said.preferences)


def test_without_the_server_it_says_so(tab: Tab, served: Served) -> None:
    tab.open(f"{served[0]}/?show=24")
    tab.ask("window.fetch = () => Promise.reject(new TypeError('no network'))")
    tab.ask("document.querySelector('[data-pick=keep]').click()")
    told = tab.wait("document.getElementById('told').textContent")
    assert told == "the server gave no answer: is beam serve still running?"
