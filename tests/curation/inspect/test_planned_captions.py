"""What captions will cost, told before they are asked for, by a server that counts tokens."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from making.chat_server import NEW_TOKENS, PROMPT_TOKENS, Server, completion, serving
from making.collection import drawing, encoded
from making.commands import invoke
from making.in_process import ask_here

from captioning.recaption import READ, recaption
from curation.command import app
from curation.report import write_report
from curation.shard.annotation import KEYS, Annotation
from curation.signals import discovery
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Measure, Settings, Signal

COUNT, CAPTIONED = 20, 16
PIPELINE = """\
pipelines:
  curate:
    seed: 1
    near_duplicate: {{radius: 4}}
    quality: [size]
    settings: {{recaption: {{backend: {backend}}}}}
    measure: [caption_recaption]
    stages: {{s1: {{resolution: 256, bounds: {{short_side: {{min: 256}}}}}}}}
"""


def unseeing() -> Signal:
    """The recaption of rows that no other model looked at."""

    def load(settings: Settings) -> Measure:
        measure = recaption.function(settings)

        def measured(rows: Sequence[Row]) -> Any:
            for row in rows:
                row.columns = dict.fromkeys(READ)
            return measure(rows)

        return measured

    return replace(recaption, reads=(CAPTIONS,), function=load)


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty images, four of them too small; models look in this process."""
    (tmp_path / "in").mkdir()
    for number in range(COUNT):
        data = encoded(drawing(number, 100 if number % 5 == 0 else 288))
        (tmp_path / "in" / f"{number:02}.jpg").write_bytes(data)
    known = [of for of in discovery.discover() if of.tier != "model"]
    monkeypatch.setattr(discovery, "discover", lambda modules=(): [*known, unseeing()])
    ask_here(monkeypatch)
    return tmp_path


def plan(raw: Path, backend: str, *more: str) -> str:
    (raw / "pipelines.yaml").write_text(PIPELINE.format(backend=backend))
    arguments = ["--input", str(raw / "in"), "--config", str(raw / "pipelines.yaml")]
    ended = invoke(app, ["plan", *arguments, "--workers", "1", *more])
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def of_server(server: Server, prices: str = "") -> str:
    values = "A table.", "photograph", "realistic", [], "no"
    annotation = Annotation.model_validate(dict(zip(KEYS, values, strict=True)))
    server.said = completion(annotation.as_json())
    return f"{{name: endpoint, url: {json.dumps(server.url)}, model: m{prices}}}"


def test_captions_tokens_hours_and_money_are_known_before_the_start(raw: Path) -> None:
    given = ("--price-gpu-hour", "2", "--tokens-per-second", "0.5")
    with serving() as server:
        predicted = json.loads(plan(raw, of_server(server, ", prices: [2, 10]"), *given, "--json"))
    asked = predicted["answers"]["recaption"]
    assert asked["captions"] == asked["answers"] == [CAPTIONED] * 3
    assert asked["prompt_tokens"] == [CAPTIONED * PROMPT_TOKENS] * 3
    assert asked["new_tokens"] == [CAPTIONED * NEW_TOKENS] * 3
    money = CAPTIONED * (PROMPT_TOKENS * 2 + NEW_TOKENS * 10) / 1e6
    assert asked["cost_of_tokens"] == pytest.approx([money] * 3)
    hours = CAPTIONED * NEW_TOKENS / 0.5 / 3600
    assert predicted["gpu_hours"] == pytest.approx([hours] * 3)
    assert predicted["cost"] == pytest.approx([money + 2 * hours] * 3)


def test_the_report_of_the_sample_says_what_the_whole_would_cost(raw: Path) -> None:
    given = ("--price-gpu-hour", "2", "--tokens-per-second", "0.5")
    output = raw / "sample"
    with serving() as server:
        of_tokens = of_server(server, ", prices: [2, 10]")
        said = plan(raw, of_tokens, *given, "--json", "--output", str(output))
    assert json.loads((output / "forecast.json").read_text()) == json.loads(said)
    page = (output / "report.html").read_text()
    section = page.partition('<section id="forecast">')[2].partition("</section>")[0]
    assert "What recaption is asked</h3>" in section
    shown = dict(re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', section))
    assert shown["captions to be asked for"] == str(CAPTIONED)
    assert shown["tokens of answers"] == f"{CAPTIONED * NEW_TOKENS:,}"
    money = CAPTIONED * (PROMPT_TOKENS * 2 + NEW_TOKENS * 10) / 1e6
    assert float(shown["cost of tokens"]) == pytest.approx(money, rel=1e-3)
    assert shown["GPU time"].endswith((" h", " min"))
    assert Path(write_report(str(output))).read_text() == page  # as by `beam report`


def test_a_captioner_that_was_timed_is_not_asked_again(raw: Path) -> None:
    """By the plan before in the same output, with the same settings; others are timed anew."""
    output = ("--output", str(raw / "sample"), "--json")
    with serving() as server:
        first = json.loads(plan(raw, of_server(server), *output))["steps"]["recaption"]
        asked = len(server.asked)
        assert asked > CAPTIONED  # and some of them once more
        again = json.loads(plan(raw, of_server(server), *output))["steps"]["recaption"]
        assert len(server.asked) == asked
        assert again["seconds_a_row"] == first["seconds_a_row"]
        plan(raw, of_server(server, ", temperature: 0.5"), *output)
        assert len(server.asked) == 2 * asked


def test_of_a_part_of_the_rows_intervals_are_told_in_words(raw: Path) -> None:
    with serving() as server:
        said = plan(raw, of_server(server, ", prices: [2, 10]"), "--sample", "15")
        assert "assumed: those of tokens below; " in said
        captions = said.partition("recaption: ")[2].partition("\n\n")[0]
        assert " captions to be asked for, 1 answers each\n" in captions
        assert f"{PROMPT_TOKENS} each, at 2 a million\n" in captions
        assert f"{NEW_TOKENS} each, at 10 a million\n" in captions
        assert "cost of tokens: 0." in captions and " to " in captions.partition("cost of")[2]
        assert "GPU time: not known without --tokens-per-second" in captions


def test_a_back_end_that_asks_nobody_says_that_it_takes_no_tokens(raw: Path) -> None:
    said = plan(raw, "offline")
    assert f"recaption: {CAPTIONED} captions to be asked for, 1 answers each" in said
    assert "  0 tokens: its back end composes captions by rule and asks no language model" in said
