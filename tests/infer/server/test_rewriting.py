"""Prompts of requests that a language model writes anew, where the operator named one."""

import base64
import contextlib
import http.client
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from making.commands import wait_for
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


class Held:
    """A model that answers when it is let go."""

    name, at_once = "held", 2

    def __init__(self):
        self.asked, self.go = [], threading.Event()

    def write(self, system, user, attempt):
        assert threading.current_thread().daemon  # for which the end of the server does not wait
        self.asked.append(user)
        self.go.wait(60)
        return f"{user} in the rain"


@contextlib.contextmanager
def client(server, prompt):
    """That asks and waits; what it is left with is that it goes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = json.dumps({"prompt": prompt, "enhance": True})
    connection.request("POST", "/v1/images/generations", body, {"Content-Type": "application/json"})
    with contextlib.closing(connection):
        yield connection


def test_a_model_that_hangs_holds_nobody_else_up(server, monkeypatch):
    held, rewriting_of = Held(), server.service.rewriting
    monkeypatch.setattr(rewriting, "_MOST", 2)
    monkeypatch.setattr(rewriting_of, "_enhancer", Enhancer(held))
    few = ThreadPoolExecutor(Held.at_once)  # in which files are looked at
    server.loop.call_soon_threadsafe(server.loop.set_default_executor, few)
    try:
        with client(server, "a fox"), client(server, "a hen"):
            wait_for(lambda: len(held.asked) == 2)
            assert server.generate("a cat", enhance=True).status == 429
            assert (
                server.edit([("prompt", "a"), ("image", ("a.png", PNG.getvalue()))]).status == 200
            )
        wait_for(lambda: rewriting_of._waiting == 0)  # both have gone
        pool = server.service.pool
        with monkeypatch.context() as changed:
            changed.setattr(pool, "limits", replace(pool.limits, seconds=0.3))
            late = server.generate("a cat", enhance=True)
        assert (late.status, late.code) == (504, "timeout")
        assert sorted(held.asked) == ["a fox", "a hen"]  # the model is not asked for more at once
        with client(server, "a cow") as last:
            held.go.set()
            assert b"a cow in the rain" in last.getresponse().read()
    finally:
        held.go.set()
