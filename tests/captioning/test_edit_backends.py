"""Pairs put to back ends: several images in one question, by a real class and by a server."""

import base64
import io
import json

import jsonschema
import numpy as np
import pytest
from making import tiny_captioner
from making.chat_server import NEW_TOKENS, PROMPT_TOKENS, completion, serving
from making.told_captions import said_edit
from PIL import Image

from captioning import edit_answer, prompting
from captioning.backends.backend import Captioner, Question
from captioning.backends.endpoint import Endpoint
from captioning.backends.transformers import Transformers

BUDGET = 260


@pytest.fixture(scope="module")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> Captioner:
    pytest.importorskip("llguidance")
    folder = tiny_captioner.save(tmp_path_factory.mktemp("captioner"))
    return Transformers(model=str(folder), visual_tokens=16, new_tokens=BUDGET).captioner()


def question(number: int, inputs: int = 1, language: prompting.Language = "en") -> Question:
    noise = np.random.default_rng(number)
    images = [
        noise.integers(0, 255, (56 + 28 * (number % 2), 56 + 28 * of, 3), dtype=np.uint8)
        for of in range(inputs + 1)
    ]
    turn = prompting.edit_turn(prompting.edit_prompt(language), inputs, number)
    return Question(str(number), images, turn, language, {}, edit_answer.FORM)


def test_every_answer_about_a_pair_is_whole(captioner: Captioner) -> None:
    asked = [question(n, 1 + n % 3, "zh" if n % 2 else "en") for n in range(6)]
    for attempt in (0, 1):
        for reply in captioner.answer(asked, attempt):
            edit = edit_answer.parse(reply.text, reply.finish).edit
            jsonschema.validate(json.loads(edit.as_json()), edit_answer.json_schema())
            assert reply.new_tokens <= BUDGET


@pytest.mark.drill
def test_two_hundred_answers_about_pairs_are_whole(captioner: Captioner) -> None:
    for start in range(0, 208, 16):
        asked = [question(n, 1 + n % 3) for n in range(start, start + 16)]
        for reply in captioner.answer(asked, start // 16 % 2):
            edit_answer.parse(reply.text, reply.finish)


def test_an_answer_does_not_depend_on_the_batch_but_on_every_image(captioner: Captioner) -> None:
    asked = [question(1), question(2, 2), question(3)]
    together = [reply.text for reply in captioner.answer(asked)]
    assert together == [captioner.answer([of])[0].text for of in asked]
    first, *rest = asked[1].images
    costs = [captioner.answer([of])[0].prompt_tokens for of in (asked[0], asked[1])]
    assert costs[1] > costs[0] and rest  # a further image is paid for
    dark = Question("2", [first, np.zeros_like(rest[0]), rest[1]], asked[1].turn, "en", {},
                    edit_answer.FORM)  # fmt: skip
    assert captioner.answer([dark])[0].text != together[1]


def test_a_server_is_sent_all_images_in_order_each_after_its_label() -> None:
    with serving() as server:
        server.said = completion(said_edit("Put both into one.", kind="composition").text)
        captioner = Endpoint(url=server.url, model="m").captioner()
        [reply] = captioner.answer([question(2, 2)])
        assert (reply.prompt_tokens, reply.new_tokens) == (PROMPT_TOKENS, NEW_TOKENS)
        [body] = server.asked
    parts = body["messages"][1]["content"]
    assert [of["type"] for of in parts] == ["text", "image_url"] * 3 + ["text"]
    labels = [of["text"] for of in parts if of["type"] == "text"]
    assert labels[:3] == ["Input image 1:", "Input image 2:", "Result image:"]
    urls = [of["image_url"]["url"] for of in parts if of["type"] == "image_url"]
    sizes = [Image.open(io.BytesIO(base64.b64decode(of.partition(",")[2]))).width for of in urls]
    assert sizes == [56, 84, 112]
    schema = body["response_format"]["json_schema"]
    assert schema["name"] == "edit" and schema["schema"] == edit_answer.json_schema()
