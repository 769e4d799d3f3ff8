"""A tiny random checkpoint of the real class writes nothing but annotations, whatever it thinks."""

from pathlib import Path

import numpy as np
import pytest
from making import tiny_captioner

from captioning import prompting
from captioning.backends.backend import Captioner, Question
from captioning.backends.transformers import Transformers
from captioning.parsing import parse
from curation.networks.weights import MissingModelError

pytest.importorskip("llguidance")
TURN = prompting.turn(prompting.prompt("annotate", "zh"))
PORTRAIT = prompting.turn(prompting.prompt("portrait", "en"))
BUDGET = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_captioner.save(tmp_path_factory.mktemp("captioner"))


@pytest.fixture(scope="module")
def captioner(folder: Path) -> Captioner:
    return Transformers(model=str(folder), visual_tokens=16, new_tokens=BUDGET).captioner()


def questions(count: int, start: int = 0) -> list[Question]:
    """Images of noise, of three heights, by two prompts: that for portraits is one."""
    made = []
    for number in range(start, start + count):
        noise = np.random.default_rng(number)
        pixels = noise.integers(0, 255, (56 + 28 * (number % 3), 84, 3), dtype=np.uint8)
        made.append(Question(str(number), [pixels], PORTRAIT if number % 2 else TURN))
    return made


def valid(captioner: Captioner, count: int, batch: int = 16) -> int:
    """How many answers are whole annotations: greedy and sampled ones by turns."""
    count_valid = 0
    for start in range(0, count, batch):
        for reply in captioner.answer(questions(batch, start), start // batch % 2):
            answer = parse(reply.text, reply.finish)
            answer.annotation.as_json().encode()
            # random text has characters that nobody sees, which a caption may not keep
            count_valid += set(answer.mended) <= {"characters"} and reply.new_tokens <= BUDGET
    return count_valid


def test_every_answer_is_a_whole_annotation(captioner: Captioner) -> None:
    assert valid(captioner, 32) == 32


@pytest.mark.drill
def test_a_thousand_answers_of_a_thousand_are_whole_annotations(captioner: Captioner) -> None:
    assert valid(captioner, 1008) == 1008


def test_an_answer_does_not_depend_on_the_batch(captioner: Captioner) -> None:
    asked = questions(4)
    together = [reply.text for reply in captioner.answer(asked)]
    assert together == [captioner.answer([of])[0].text for of in asked]
    sampled = [reply.text for reply in captioner.answer(asked, attempt=1)]
    assert sampled == [captioner.answer([of], attempt=1)[0].text for of in asked]
    assert sampled != together


def test_a_model_on_two_devices_answers_as_on_one(folder: Path, captioner: Captioner) -> None:
    settings = Transformers(
        model=str(folder), visual_tokens=16, new_tokens=BUDGET, devices=("cpu", "cpu")
    )
    asked = questions(3)
    assert settings.captioner().answer(asked) == captioner.answer(asked)


def test_a_folder_without_a_model_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingModelError, match="hf download"):
        Transformers(model=str(tmp_path)).check()
