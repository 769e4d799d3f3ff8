"""Prompts written anew by a server or a folder, and what becomes of them at the command line."""

import json
import shutil
import socket
import threading

import pytest
from making import chat_server, tiny_qwen, tiny_writer
from making.commands import invoke
from PIL import Image

import infer
from infer import generating
from infer.__main__ import app
from infer.enhancing import writers
from infer.enhancing.enhancer import Enhancer
from infer.prompts import Prompt

SIGN = 'a sign "INK"'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_writer.save(tmp_path_factory.mktemp("writer") / "fox-writer")


@pytest.fixture
def run(tmp_path_factory, tmp_path, monkeypatch):
    """Generate an image with a tiny checkpoint; its facts, and what was said."""
    checkpoint = tiny_qwen.save_pipeline(tmp_path_factory.mktemp("qwen"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments, code=0):
        given = ["--checkpoint", str(checkpoint), "--size", "32x16", "--steps", "1", "-o", "x.png"]
        result = invoke(app, [*map(str, arguments), *given])
        assert result.exit_code == code, result.output
        if code:
            return result.stderr
        with Image.open(tmp_path / "x.png") as image:
            return dict(image.text), result.stderr

    call.checkpoint = checkpoint
    return call


def test_a_folder_writes_prompts_but_none_without_its_quoted_texts(folder):
    enhancer = writers.opened(str(folder), None, "cpu")
    assert enhancer.name == "fox-writer"
    made = enhancer.enhance("a fox")
    assert (made.text, made.reason) == (tiny_writer.ANSWER, "")
    kept = enhancer.enhance(SIGN)
    assert kept.text == SIGN and "does not quote 'INK'" in kept.reason


def test_a_folder_writes_the_same_in_a_process_of_its_own(folder):
    enhancer = writers.opened(str(folder), None, "cpu", apart=True)
    assert enhancer.name == "fox-writer"
    assert enhancer.enhance("a fox").text == tiny_writer.ANSWER
    enhancer._writer.end()


def test_a_server_is_asked_again_until_the_rule_is_kept(monkeypatch):
    monkeypatch.setenv("ENHANCE_API_KEY", "a-key")
    with chat_server.serving() as server:
        enhancer = writers.opened(server.url, "writer", "cpu")
        server.said = chat_server.completion('<think>hm</think>A rusty sign with "INK"\nin rain')
        assert enhancer.enhance(SIGN).text == 'A rusty sign with "INK" in rain'
        (asked,) = server.asked
        system, user = asked["messages"]
        assert (user["content"], asked["temperature"], asked["model"]) == (SIGN, 0, "writer")
        assert "letter by letter" in system["content"]
        assert server.headers_seen == ["Bearer a-key"]
        server.said = chat_server.completion("A sign of ink")
        assert enhancer.enhance('another "INK"').text == 'another "INK"'
        assert [each["seed"] for each in server.asked[1:]] == [0, 1, 2]
        for said in (b"{}", b"no json", chat_server.completion(None)):
            server.said = said
            reason = enhancer.enhance(f"{said!r} fox").reason
            assert reason.startswith("writer gave no ")
        server.said = chat_server.completion("A red", finish_reason="length")
        assert "cut off" in enhancer.enhance("a hen").reason
        server.states = [400]
        assert enhancer.enhance("a fox").reason == "writer did not answer (status 400)"
        server.states, server.headers_sent = [503], {"Retry-After": "3600"}
        server.said = chat_server.completion("A red fox")
        assert enhancer.enhance("a fox").text == "A red fox"


def test_a_template_without_a_system_and_an_answer_that_is_cut_off(folder, tmp_path, monkeypatch):
    copy = shutil.copytree(folder, tmp_path / "other")
    template = copy / "chat_template.jinja"
    first = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}"
    template.write_text(first + template.read_text())
    enhancer = writers.opened(str(copy), None, "cpu")
    assert enhancer.enhance("a fox").text == tiny_writer.ANSWER
    local = writers.Local(copy, "cpu")
    given = local._tokenizer
    seen = []

    class Seen:
        def __call__(self, text, *, add_special_tokens, **more):
            seen.append(add_special_tokens)
            return given(text, add_special_tokens=add_special_tokens, **more)

        def __getattr__(self, name):
            return getattr(given, name)

    local._tokenizer = Seen()
    local.write("all of it", "a hen", 0)
    assert seen == [False]  # what the template begins with is not begun twice
    monkeypatch.setattr(writers, "_NEW_TOKENS", 1)
    assert "cut off" in Enhancer(local).enhance("a fox").reason


def test_as_many_prompts_are_asked_for_at_once_as_a_writer_takes():
    both = threading.Barrier(2)

    class Pair:
        name, at_once = "x", 2

        def write(self, system, user, attempt):
            both.wait(30)
            return f"{user} in the rain"

    texts = [f"a fox of {name}" for name in ("ink", "snow", "wood", "glass")]
    made = generating._written(Enhancer(Pair()), [Prompt(text) for text in texts])
    assert [each.text for each in made] == [f"{text} in the rain" for text in texts]


def test_an_image_says_what_was_written_and_by_what(run):
    with chat_server.serving() as server:
        server.said = chat_server.completion('A rusty sign "INK" in rain')
        given = (SIGN, "--enhance", server.url, "--enhance-model", "writer")
        facts, said = run(*given)
        assert "stays as it is" not in said
        expected = {"prompt_given": SIGN, "enhanced_by": "writer"}
        assert facts.items() >= {"prompt": 'A rusty sign "INK" in rain', **expected}.items()
        server.said = chat_server.completion("A rusty sign")
        facts, said = run(*given)
        assert "warning: prompt 1 stays as it is: of 3 answers" in said
        assert facts["prompt"] == SIGN and "prompt_given" not in facts
        function = {"enhance": server.url, "enhance_model": "writer", "checkpoint": run.checkpoint}
        server.said = chat_server.completion("A red fox in the snow")
        (image,) = infer.generate("a fox", size="32x16", steps=1, **function)
        assert image.info["prompt"] == "A red fox in the snow"
        assert image.info["prompt_given"] == "a fox"
        with pytest.warns(UserWarning, match="prompt 1 stays as it is"):
            infer.generate(SIGN, size="32x16", steps=1, **function)


def test_mistakes_are_sentences(run, tmp_path, folder):
    Image.new("RGB", (64, 32)).save(tmp_path / "a.png")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text(json.dumps({"model_type": "fox"}))
    shutil.copytree(folder, tmp_path / "garbled")
    (tmp_path / "garbled" / "chat_template.jinja").write_text("{% fox")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    for said, *given in (
        ("expected --enhance-model", "--enhance", closed),
        ("which does not answer", *("--enhance", closed, "--enhance-model", "x")),
        ("expected a folder, or http", "--enhance", "ftp://somewhere"),
        ("expected a folder with config.json", "--enhance", "absent"),
        ("no language model", "--enhance", "broken"),
        ("no language model", "--enhance", "garbled"),
        ("expected --enhance with it", "--enhance-model", "x"),
        ("expected an address", "--enhance", folder, "--enhance-model", "x"),
        ("not those of edits", "--enhance", folder, "--input", "a.png"),
    ):
        assert said in run("hello", *given, code=2), said
