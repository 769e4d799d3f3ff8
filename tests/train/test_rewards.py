"""Rewards read pixels, several count on one scale, and an endpoint is believed if it parses."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from making import chat_server
from making import training_shards as shards

from curation.failures.errors import UsageError
from train import rewarding
from train.rewards import ocr
from train.rewards.endpoint import Endpoint, _server
from train.rewards.ocr import Ocr, accuracy


@pytest.mark.parametrize(
    ("wanted", "read", "share"),
    [
        ("abcd", "abcd", 1.0),
        ("abcd", "xxabcdxx", 1.0),  # what contains it is no mistake
        ("abcd", "abxd", 0.75),
        ("abcd", "ad", 0.5),
        ("abcd", "", 0.0),
        ("ab", "qwertyuiop", 0.0),
        ("", "anything", 0.0),
    ],
)
def test_accuracy_is_one_less_the_distance(wanted, read, share):
    assert accuracy(wanted, read) == share


class Reading:
    """A reader that sees given lines, and notes what it is shown."""

    def __init__(self, *lines):
        self.lines, self.shown = lines, []

    def page(self, image):
        self.shown.append(image.shape)
        return [
            SimpleNamespace(
                corners=np.array([[x, y], [x + 10, y], [x + 10, y + 8], [x, y + 8]], float),
                text=text,
                score=score,
            )
            for text, x, y, score in self.lines
        ]

    def line(self, image):
        self.shown.append(image.shape)
        return self.lines[0][0], 1.0


def scored(monkeypatch, reader, prompt, **settings):
    monkeypatch.setattr(ocr, "_reader", lambda reads: reader)
    return Ocr(**settings).scores([np.zeros((32, 64, 3), np.uint8)], [prompt])


def test_lines_are_read_in_order_without_spaces_case_and_doubt(monkeypatch):
    lines = ("WORLD", 5, 31, 0.9), ("lo ", 30, 6, 0.9), ("Hel", 2, 5, 0.9), ("noise", 60, 5, 0.2)
    reader = Reading(*lines)
    assert scored(monkeypatch, reader, 'A sign "Hello" over "world".') == [1.0]
    assert reader.shown == [(256, 512, 3)]
    assert scored(monkeypatch, reader, "A dog.") == [0.0]


def test_a_line_is_enlarged_to_what_the_reader_knows(monkeypatch):
    reader = Reading(("A0", 0, 0, 1))
    assert scored(monkeypatch, reader, '"AO"', reads="line") == [0.5]
    assert scored(monkeypatch, reader, '"AO"', reads="line", alike=("o0",)) == [1.0]
    assert reader.shown[0] == (48, 96, 3)


def test_rapidocr_reads_pixels():
    pytest.importorskip("rapidocr")
    image = np.asarray(shards.draw("TEAH", "blue", 4).convert("RGB"))
    scores = Ocr(reads="line").scores([image, image], ['"TEAH"', '"LOOL"'])
    assert scores[0] >= 0.75 > scores[1]


def given(target, *scores, weight=1.0):
    """A reward of images that are known."""
    own = SimpleNamespace(name="train.rewards.given", weight=weight, target=target)
    own.scores = lambda images, prompts: list(scores)
    return own


def test_one_reward_is_as_it_is():
    both = rewarding.rewarded([given(1.0, 0.25, 0.75)], [None] * 2, [""] * 2)
    assert both.values.tolist() == [0.25, 0.75]
    assert {name: value.tolist() for name, value in both.figures().items()} == {
        "reward": [0.25, 0.75]
    }


def test_several_count_by_their_spread_and_by_what_they_lack():
    wide, narrow = given(1.0, 0.0, 1.0, 0.5, 0.5), given(0.9, 0.42, 0.40, 0.41, 0.41)
    constant = given(0.5, *[0.7] * 4)
    both = rewarding.rewarded([wide, narrow, constant], [None] * 4, [""] * 4)
    assert list(both.weights.values()) == pytest.approx(
        [1 / 2.08, 0.98 / 2.08, 0.1 / 2.08], abs=0.01
    )
    # in units of their own spread wide and narrow are opposites, and what is constant says nothing
    apart = (both.weights["given"] - both.weights["given-2"]) * 2**0.5
    assert both.values.tolist() == pytest.approx([-apart, apart, 0, 0], abs=1e-9)
    assert rewarding.weights([given(1.0), given(1.0, weight=3.0)], [1, 1]) == pytest.approx(
        [0.25, 0.75]
    )
    moved = rewarding.rewarded([given(1.0, 0.9, 1.0, 0.9, 1.0), narrow], [None] * 4, [""] * 4)
    assert moved.weights["given-2"] > 3 * moved.weights["given"]


def test_an_endpoint_is_asked_about_pixels_and_believed_if_it_parses(monkeypatch):
    monkeypatch.setenv("REWARD_KEY", "secret")
    image = np.zeros((8, 8, 3), np.uint8)
    with chat_server.serving() as server:
        reward = Endpoint(url=server.url, model="judge", key_variable="REWARD_KEY", retries=0)
        reward.check()
        server.said = chat_server.completion('{"score": 7}')
        assert reward.scores([image] * 2, ["a cat", "http://example.org/x.png"]) == [0.7, 0.7]
        contents = [asked["messages"][0]["content"] for asked in server.asked]
        picture, words = next(each for each in contents if each[1]["text"].endswith("a cat"))
        assert picture["image_url"]["url"].startswith("data:image/png;base64,")
        assert words["text"].endswith("Prompt: a cat")
        assert server.headers_seen[0] == "Bearer secret"
        asked = len(server.asked)
        for said in ("{}", '{"score": 11}', '{"score": true}', '{"score": "NaN"}', "seven"):
            server.said = chat_server.completion(said)
            with pytest.raises(UsageError, match="expected a score of 0 to 10"):
                reward.scores([image], ["a cat"])
        assert len(server.asked) == asked + 2 * 5  # each once more
        assert [each["temperature"] for each in server.asked[-2:]] == [0.0, 0.7]
        right, wrong = (chat_server.completion(said) for said in ('{"score": 4}', "four"))
        one = Endpoint(url=server.url, model="judge", retries=0, concurrency=1)
        server.said = wrong
        answers = iter([wrong, right, wrong, wrong])
        monkeypatch.setattr(type(_server_of(one)), "post", lambda *_: next(answers))
        assert one.scores([image] * 2, ["a cat", "a dog"]) == [0.4, None]
    with pytest.raises(UsageError, match="does not answer"):
        reward.check()


def test_what_is_not_known_is_left_out_and_counted():
    some = rewarding.rewarded([given(1.0, 0.25, None), given(1.0, 0.5, 1.0)], [None] * 2, [""] * 2)
    assert some.values.isnan().tolist() == [False, True]
    figures = {name: value.tolist() for name, value in some.figures().items()}
    assert figures["unanswered"] == [0.0, 1.0]
    assert (figures["reward/given"], figures["reward"]) == ([0.25], [0.375])


def _server_of(reward):
    return _server(reward.url, reward.key_variable, reward.concurrency, 0, reward.timeout)


def test_images_of_one_group_that_are_alike_have_no_advantage():
    from train.groups import of_groups

    values = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.3, 0.3, 0.3, 0.3], [0.0, 0.0, 0.0, 1.0]])
    values = torch.cat([values, torch.tensor([[1.0, 0.0, float("nan"), 0.0]])])
    advantages, differs = of_groups(values.double(), 1.5)
    assert differs.tolist() == [True, False, True, False]
    assert advantages[3].tolist() == [0.0] * 4
    assert advantages[0].tolist() == [1.0, -1.0, 1.0, -1.0]
    assert advantages[1].tolist() == [0.0] * 4
    assert float(advantages[2, 3]) == 1.5  # 1.73, clipped
