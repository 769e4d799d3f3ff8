"""Prompts of requests that a language model writes anew, where the operator named one."""

import base64
import io
import json

import pytest
from making.image_server import serving
from making.rain_writer import RainWriter
from making.stand_in_worker import colour
from PIL import Image

from infer.enhancing.enhancer import Enhancer
from infer.server import rewriting

PNG = io.BytesIO()
Image.new("RGB", (64, 32)).save(PNG, "PNG")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server"), enhancer=Enhancer(RainWriter())) as made:
        yield made


def texts(row):
    return Image.open(io.BytesIO(base64.b64decode(row["b64_json"]))).text


def test_a_prompt_is_written_anew_where_that_is_asked_for(server):
    answer = server.generate('a sign "INK"', seed=3, enhance=True, n=2)
    written = 'a sign "INK" in the rain'
    for row in answer.json["data"]:
        assert row["revised_prompt"] == written
        facts = texts(row)
        assert (facts["prompt"], facts["prompt_given"]) == (written, 'a sign "INK"')
        assert facts["enhanced_by"] == "rain-maker"
    image = Image.open(io.BytesIO(base64.b64decode(answer.json["data"][0]["b64_json"])))
    assert image.getpixel((0, 0)) == colour(written, 3)
    plain = server.generate('a sign "INK"', seed=3)
    assert "revised_prompt" not in plain.json["data"][0]
    assert "prompt_given" not in texts(plain.json["data"][0])
    stream = server.generate("a fox", enhance=True, stream=True).body.decode()
    begun = json.loads(stream.split("data: ")[1].partition("\n")[0])
    assert begun["revised_prompt"] == "a fox in the rain"
    assert server.ask("/about").json["enhances"] is True


def test_a_prompt_that_stays_is_said_to(server):
    for prompt, said in (('a desert "INK"', "of 3 answers none"), ("gone", "did not answer")):
        answer = server.generate(prompt, enhance=True)
        assert answer.status == 200 and said in answer.json["warnings"][0]
        assert texts(answer.json["data"][0])["prompt"] == prompt
        assert "revised_prompt" not in answer.json["data"][0]


def test_what_cannot_be_enhanced_is_refused(server, tmp_path, monkeypatch):
    form = [("prompt", "a"), ("image", ("a.png", PNG.getvalue())), ("enhance", "true")]
    assert "not those of edits" in server.edit(form).json["error"]["message"]
    check = server.ask("/check", {"prompt": "a", "enhance": True, "edit": True})
    assert check.status == 400
    monkeypatch.setattr(rewriting, "_MOST", 0)
    full = server.generate("a fox", enhance=True)
    assert (full.status, full.code, full.headers["retry-after"]) == (429, "queue_full", "10")
    monkeypatch.setattr(server.service.rewriting, "_enhancer", None)
    off = server.generate("a fox", enhance=True)
    assert (off.status, off.code) == (400, "invalid_value")
    assert server.ask("/about").json["enhances"] is False
