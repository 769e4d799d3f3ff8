"""A language model in a process of its own, which may die without taking anybody along."""

import json
import os
import sys
import time
from contextlib import suppress

import pytest
from making import stand_in_writer

from curation.failures.errors import UsageError
from infer.enhancing import apart
from infer.enhancing.apart import Apart
from infer.enhancing.enhancer import Enhancer, NoAnswerError

ENDS = (  # of a prompt, what is said, and whether the process lives on
    ("memory", "rain-maker ran out of memory", True),
    ("gone", "rain-maker did not answer", True),
    ("die", "rain-maker ended while it wrote", False),
    ("hang", "rain-maker ended while it wrote", False),
)


def command(**settings):
    return [sys.executable, stand_in_writer.__file__, json.dumps(settings)]


@pytest.fixture(scope="module")
def writer():
    made = Apart(command(), "rain-maker")
    yield made
    made.end()


def is_running(process):
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def test_what_kills_the_writer_is_said_and_the_next_prompt_is_written(writer, monkeypatch):
    enhancer = Enhancer(writer)
    assert enhancer.enhance("a fox").text == "a fox in the rain"
    for number, (prompt, said, survives) in enumerate(ENDS):
        before = writer.process
        monkeypatch.setattr(apart, "_SECONDS", 1.0 if prompt == "hang" else 300.0)
        made = enhancer.enhance(prompt)
        assert (made.text, made.reason) == (prompt, said)
        assert is_running(before) == survives
        monkeypatch.setattr(apart, "_SECONDS", 300.0)
        assert enhancer.enhance(f"fox {number}").text == f"fox {number} in the rain"
        assert (writer.process == before) == survives


def test_what_cannot_be_loaded_is_a_sentence(writer, monkeypatch):
    with pytest.raises(UsageError, match="no language model here"):
        Apart(command(broken="yes"), "x")
    with pytest.raises(UsageError, match=r"x ended \(code 3\) before it was ready"):
        Apart([sys.executable, "-c", "raise SystemExit(3)"], "x")
    monkeypatch.setattr(writer, "_command", command(broken="yes"))
    os.kill(writer.process, 9)
    while writer._process.poll() is None:
        time.sleep(0.01)
    with pytest.raises(NoAnswerError, match="no language model here"):
        writer.write("", "a fox", 0)


def test_it_ends_with_who_asked():
    own = Apart(command(), "rain-maker")
    assert is_running(own.process)
    own.end()
    assert not is_running(own.process)
