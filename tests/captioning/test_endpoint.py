"""A server of chat completions, good and bad: what it is asked, and what becomes of its answers."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from making.chat_server import Server, completion, serving
from PIL import Image
from pydantic import ValidationError

from captioning import prompting
from captioning.backends.backend import Question, Reply
from captioning.backends.endpoint import LARGEST, Endpoint
from curation.networks.weights import MissingModelError

TURN = prompting.turn(prompting.prompt("annotate", "en"))
KEY = "sk-not-to-be-told"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def backend(server: Server, **settings: Any) -> Endpoint:
    return Endpoint(url=server.url, model="m", retries=2, **settings)


def url(server: Server) -> str:
    return f"{server.url}/chat/completions"


def question(name: str = "a", side: int = 40) -> Question:
    return Question(name, [np.full((side, 2 * side, 3), 200, np.uint8)], TURN)


def test_what_is_asked_is_the_prompt_the_bytes_and_the_schema(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    [reply] = backend(server, pixels=800).captioner().answer([question()])
    assert reply == Reply("an answer", "stop", 900, 40)
    [body] = server.asked
    assert server.headers_seen == [f"Bearer {KEY}"]
    assert KEY not in json.dumps(body)
    system, user = body["messages"]
    assert system == {"role": "system", "content": TURN.system}
    url = user["content"][0]["image_url"]["url"]
    assert url.startswith("data:image/jpeg;base64,")
    shown = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    assert shown.size == (40, 20)  # 800 pixels of 3200
    assert body["temperature"] == 0
    schema = body["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == schema["required"]


def test_a_second_attempt_is_sampled_by_a_seed_of_the_image(server: Server) -> None:
    captioner = backend(server).captioner()
    captioner.answer([question("a"), question("b")], attempt=1)
    captioner.answer([question("a")], attempt=1)
    captioner.answer([question("a")], attempt=2)
    assert all(body["temperature"] > 0 for body in server.asked)
    first = sorted(body["seed"] for body in server.asked[:2])
    assert len(set(first)) == 2 and server.asked[2]["seed"] in first
    assert server.asked[3]["seed"] not in first


def test_what_passes_is_tried_again_and_what_does_not_is_told(server: Server) -> None:
    server.states = [503, 429]
    assert backend(server).captioner().answer([question()])[0].text == "an answer"
    assert len(server.asked) == 3
    server.states = [500] * 3
    assert backend(server).captioner().answer([question()]) == [
        Reply(f"{url(server)}: 500 Internal Server Error", reason="unreachable")
    ]
    server.states = [401]
    assert backend(server).captioner().answer([question()]) == [
        Reply(f"{url(server)}: 401 Unauthorized", reason="refused")
    ]
    assert len(server.asked) == 7


def test_a_server_that_is_not_there_fails_each_question_and_raises_nothing(server: Server) -> None:
    asked = backend(server)
    server.shutdown()
    server.server_close()
    replies = asked.captioner().answer([question("a"), question("b")])
    said = f"{asked.url}/chat/completions: ConnectionError"
    assert replies == [Reply(said, reason="unreachable")] * 2
    with pytest.raises(MissingModelError, match=r"127\.0\.0\.1.*does not answer"):
        asked.check()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"no json",
        b"[]",
        b'{"choices": []}',
        b'{"choices": [{"message": {}}]}',
        completion(None),
        completion(["a"]),
        b'{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": "x"}}',
        completion("a" * (LARGEST + 1)),
        b"\xff" * 100,
    ],
)
def test_what_is_no_completion_is_refused(server: Server, said: bytes) -> None:
    server.said = said
    assert backend(server).captioner().answer([question()]) == [Reply("", reason="refused")]


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.states, server.headers_sent = [307], {"Location": "http://127.0.0.1:9/"}
    assert backend(server).captioner().answer([question()])[0].reason in ("refused", "unreachable")
    assert len(server.asked) == 1


def test_an_answer_that_was_cut_off_says_so(server: Server) -> None:
    server.said = completion('{"Caption"', finish_reason="length")
    assert backend(server).captioner().answer([question()])[0].finish == "length"


def test_answers_are_kept_by_what_they_depend_on(server: Server) -> None:
    asked = backend(server)
    assert asked.answers_by == Endpoint(url="https://elsewhere/v1", model="m", retries=9).answers_by
    assert asked.answers_by != Endpoint(url=asked.url, model="other").answers_by
    assert "sk" not in json.dumps(asked.model_dump(mode="json"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "file:///etc/passwd",
        "http://[::1",
        "http://localhost:99999/v1",
        "http://",
    ],
)
def test_an_address_that_is_none_is_refused_before_any_work(url: str) -> None:
    with pytest.raises(MissingModelError, match="address of a server"):
        Endpoint(url=url, model="m").check()


@pytest.mark.parametrize("prices", [[0.1], 0.5, [0.1, -1.0], {"prompts": 1.0}])
def test_prices_are_two_numbers(prices: Any) -> None:
    """Of a million tokens of prompts, and of answers."""
    settings = {"url": "http://localhost:1/v1", "model": "m"}
    assert Endpoint(**settings, prices=[0.15, 0.6]).token_prices == (0.15, 0.6)
    with pytest.raises(ValidationError, match=r"expected two numbers|greater than or equal to 0"):
        Endpoint(**settings, prices=prices)
