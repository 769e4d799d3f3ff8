"""Every benchmark by its command on a tiny checkpoint; all right scores most, nothing scores 0."""

import json
import math
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
from making import benchmark_cases
from making.benchmark_cases import BETWEEN
from making.chat_server import completion, serving
from making.commands import invoke

from curation.networks import ocr
from infer import checkpoints, scoring
from infer.evaluation.__main__ import app
from infer.harness import measuring
from infer.harness.measuring import Tools
from infer.harness.rows import Line

pytestmark = pytest.mark.slow

NAMES = scoring.names()


class Blind:
    """Reads the same in every image: what it costs is not what is tested."""

    def page(self, rgb):
        corners = np.array([[1, 1], [15, 1], [15, 15], [1, 15]], np.float32)
        return [ocr.Region(corners, "INK", 0.9)]


@pytest.fixture
def case(request, tiny, tmp_path, monkeypatch, font_cache):
    name = request.getfixturevalue("name")
    return benchmark_cases.made(name, tmp_path / "data", monkeypatch, tiny[1])


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_end_to_end_on_a_tiny_checkpoint(name, case, undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr(ocr, "TextReader", Blind)
    kind, out = scoring.benchmark(name), tmp_path / "out"
    given = [name, "--checkpoint", str(undisturbed[0]), "--out", str(out), "--json"]
    given += ["--data", str(case.data)] if case.data else []
    if not kind.reconstructs:
        given += ["--steps", "1", "--size", "32x16"]
    with serving() as server:
        server.said = completion(case.said)
        judge = ["--judge", server.url, "--judge-model", "vlm"] if kind.asks else []
        done = invoke(app, [*given, *judge])
        assert done.exit_code == 0, done.output
        assert bool(server.asked) == kind.asks
    result = json.loads((out / "result.json").read_text())
    assert {**result, "out": str(out)} == json.loads(done.stdout)
    assert result["missing"] == 0 and result["metrics"]
    for figure, each in result["metrics"].items():
        assert math.isfinite(each["value"]) and each["low"] <= each["high"], figure
        assert not (kind.asks and "(vlm)" not in figure), figure  # never the bare name
    assert any("(rapidocr)" in figure for figure in result["metrics"]) == kind.reads
    assert (result["contamination"]["checked"], result["contamination"].get("shards")) in (
        (True, 2),
        (False, None),
    )
    assert result["contamination"]["checked"] or kind.held_out
    rows = pq.read_table(out / "prompts.parquet")
    assert rows.num_rows == result["images"] == len(list((out / "images").iterdir()))
    assert len(set(rows["prompt_id"].to_pylist())) == result["prompts"]
    page = (out / "report.html").read_text()
    assert re.search(f"<h1>{name}: [^/<]+/checkpoint-40</h1>", page)
    assert page.count("data:image/png") > 0


class Knowing:
    """A reader and a judge that know what is all right, and see it in all but empty images."""

    name, concurrency, settings = "knowing", 1, {}

    def __init__(self, chosen, case):
        self._chosen, self._case = chosen, case

    def shows(self, request):
        self._lines = self._case.lines(self._chosen, request)
        self._answers = iter(self._case.answers(self._chosen, request))

    def read(self, image):
        return tuple(Line(*self._placed(line)) for line in self._lines)

    def _placed(self, line):
        text, box = line if isinstance(line, tuple) else (line, (8, 8, 248, 248))
        return text, 1.0, tuple(box)

    def ask(self, question, image):
        return next(self._answers)


def figures(name, chosen, requests, opened, tools):
    rows = measuring.rows(name, chosen, requests, opened, tools)
    return {metric.name: metric.value for metric in chosen.score(rows)}


@pytest.mark.parametrize("name", NAMES)
def test_all_right_scores_most_and_empty_images_nothing(name, case, undisturbed):
    checkpoint = checkpoints.find(undisturbed[0])
    chosen = scoring.benchmark(name)(checkpoint, case.data and str(case.data))
    first = {each.id: each for each in reversed(chosen.requests())}
    knowing = Knowing(chosen, case)
    tools = Tools(knowing if chosen.reads else None, knowing if chosen.asks else None)

    def perfect(request):
        knowing.shows(request)
        image = chosen.perfect(request)
        return case.images(chosen, request) if image is None else image

    best = figures(name, chosen, list(first.values()), perfect, tools)
    worst = figures(name, chosen, list(first.values()), lambda request: None, tools)
    assert best
    for figure in best | worst:
        key = figure.split(",")[0].split(" (")[0]
        most, least = case.others.get(key, (case.best, case.worst))
        if most is not BETWEEN:
            assert best[figure] == pytest.approx(most, abs=0.05), figure
        if least is not BETWEEN and figure in worst:
            assert worst[figure] == pytest.approx(least, abs=1e-9), figure
        if most is not BETWEEN and figure in worst:
            assert abs(worst[figure] - most) > 0.05, figure
