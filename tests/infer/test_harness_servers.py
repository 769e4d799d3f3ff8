"""The harness with servers: a judge's answers, and images of somebody else's model."""

import base64
import io
import json
import os

import pytest
from making.brightness_benchmarks import contribute, fill
from making.chat_server import completion, serving
from making.commands import invoke
from PIL import Image

from infer.evaluation.__main__ import app
from infer.harness import judges, served
from infer.harness.rows import Request, seed_of

KEY = "sk-not-to-be-told"


@pytest.fixture(autouse=True)
def _settled(monkeypatch):
    """Nothing is tried again after a pause; and there are keys."""
    contribute(monkeypatch)
    for module in (judges, served):
        monkeypatch.setattr(module, "_RETRIES", 0)
        monkeypatch.setenv(module.KEY, f"{KEY}-{module.KEY}")


@pytest.fixture
def server():
    with serving() as made:
        yield made


def evaluate(*arguments, code=0):
    result = invoke(app, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    assert KEY not in result.output
    return result


def everything(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def answer(shade):
    """An image as a server gives it."""
    stream = io.BytesIO()
    Image.new("RGB", (32, 16), (shade,) * 3).save(stream, "PNG")
    return json.dumps(
        {"data": [{"b64_json": base64.b64encode(stream.getvalue()).decode()}]}
    ).encode()


def test_a_judge_is_asked_once_and_named(server, tmp_path):
    folder = fill(tmp_path / "theirs", {"p0_0": 255, "p1_0": 0})
    given = ["judged", "--images", folder, "--judge", server.url, "--judge-model", "vlm-7b"]
    server.said = completion("yes")
    done = evaluate(*given, "--json")
    assert "vlm-7b: 4 of 4 questions are not answered yet" in done.stderr
    metrics = json.loads(done.stdout)["metrics"]
    assert metrics["yes (vlm-7b)"]["value"] == pytest.approx(2 / 3)  # the missing one: 0
    assert metrics["bright"]["value"] == pytest.approx(1 / 3)
    assert len(server.asked) == 4  # nothing about what is missing
    bodies = [body["messages"][0]["content"] for body in server.asked]
    assert sorted(len(parts) for parts in bodies) == [2, 2, 3, 3]
    assert {body["temperature"] for body in server.asked} == {0}
    assert set(server.headers_seen) == {f"Bearer {KEY}-{judges.KEY}"}
    again = evaluate(*given)
    assert "0 of 4 questions" in again.stderr and len(server.asked) == 4
    evaluate(*given[:-1], "vlm-72b")
    assert len(server.asked) == 8  # another judge has answers of its own
    assert KEY.encode() not in everything(tmp_path)
    assert b'"raw": {"choices"' in everything(tmp_path / "evaluation/theirs/judged/cache")


def test_a_set_that_was_not_judged_to_its_end_is_not_published(server, tmp_path):
    folder = fill(tmp_path / "theirs", {"p0_0": 255, "p1_0": 0, "p2_0": 9})
    given = ["judged", "--images", folder, "--judge", server.url, "--judge-model", "v"]
    out = tmp_path / "evaluation/theirs/judged"
    evaluate(*given)
    for path in (out / "cache").rglob("*.json"):
        path.unlink()
    server.states = [200, 500]
    refused = evaluate(*given, "--at-once", "1", code=3).stderr
    assert "1 of 3 images were not judged, so that nothing is published" in refused
    assert "500 Internal Server Error" in refused
    assert not (out / "result.json").exists() and not (out / "report.html").exists()
    before = len(server.asked)
    evaluate(*given)
    assert len(server.asked) == before + 1  # that alone
    server.said = b'{"choices": []}'
    assert "no chat completion" in evaluate(*given[:-1], "other", code=3).stderr


def test_a_judge_reads_where_it_is_the_reader(server, tmp_path, monkeypatch):
    from infer.evaluation import benchmark

    monkeypatch.setattr(benchmark.Benchmark, "reads", True)
    folder = fill(tmp_path / "theirs", {"p0_1": 255})
    server.said = completion("INK\n\nSTONE")
    given = ["shades", "--images", folder, "--reader", "judge", "--judge-model", "v"]
    result = json.loads(evaluate(*given, "--judge", server.url, "--json").stdout)
    assert "brightness (v)" in result["metrics"]
    assert result["reader"]["instruction"] == benchmark.Benchmark.reading
    assert len(server.asked) == 1


def test_a_server_makes_the_images_and_is_asked_for_those_alone_that_lack(server, tmp_path):
    out, server.said = tmp_path / "out", answer(255)
    given = ["shades", "--endpoint", server.url, "--model", "m", "--out", out, "--size", "32x16"]
    server.states = [200, 500]
    refused = evaluate(*given, "--at-once", "1", code=3).stderr
    assert "1 of 8 images could not be had" in refused and f"--images {out}/images" in refused
    assert not (out / "result.json").exists() and len(server.asked) == 8
    result = json.loads(evaluate(*given, "--json").stdout)
    assert len(server.asked) == 9
    assert result["metrics"]["brightness"]["value"] == 1
    assert result["source"] == {"kind": "endpoint", "url": server.url, "name": "m"}
    seeds = {seed_of("shades", Request(f"p{n}", "", k)) for n in range(4) for k in (1, 2)}
    assert {body["seed"] for body in server.asked} == seeds
    assert {body["size"] for body in server.asked} == {"32x16"}
    assert set(server.headers_seen) == {f"Bearer {KEY}-{served.KEY}"}
    assert KEY.encode() not in everything(out)
    counted = evaluate("shades", "--images", out / "images", "--out", tmp_path / "o2")
    assert "brightness: 1.0000" in counted.stdout


def test_a_server_that_knows_no_seed_is_asked_without(server, tmp_path):
    out, server.said, server.states = tmp_path / "out", answer(0), [400]
    given = ["shades", "--endpoint", server.url, "--model", "m", "--out", out, "--at-once", "1"]
    assert "asked without response_format, seed" in evaluate(*given).stderr
    assert len(server.asked) == 9 and all("seed" not in body for body in server.asked[1:])
    with Image.open(out / "images/p0_1.png") as image:
        assert image.info["seed_sent"] == "False"


def test_a_server_without_images_is_told(server, tmp_path):
    def given(out):
        return ["shades", "--endpoint", server.url, "--model", "m", "--out", tmp_path / out]

    server.said = b'{"data": [{"url": "http://127.0.0.1:9/"}]}'
    assert "expected b64_json (addresses are not followed)" in evaluate(*given("a"), code=3).stderr
    server.said, server.states = f"bad key {KEY}-{served.KEY}".encode(), [401] * 8
    refused = evaluate(*given("b"), code=2).stderr
    assert f"the key is read from {served.KEY}" in refused and "(bad key (key))" in refused
    server.shutdown()
    server.server_close()
    assert "does not answer" in evaluate(*given("c"), code=2).stderr
    assert not os.path.exists(tmp_path / "c")
