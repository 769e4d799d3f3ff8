"""A language model in a process of its own, which may die without taking anybody along."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from making import stand_in_writer
from making.commands import wait_for

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
    monkeypatch.setattr(writer, "_command", ["/no/such/program"])
    with pytest.raises(NoAnswerError, match="rain-maker cannot be started"):
        writer.write("", "a fox", 0)


def test_a_writer_ends_with_its_server_also_while_it_writes():
    script = (
        "import json, sys, threading, time\n"
        "from infer.enhancing.apart import Apart\n"
        "own = Apart(json.loads(sys.argv[1]), 'x')\n"
        "threading.Thread(target=own.write, args=('', 'hang', 0), daemon=True).start()\n"
        "time.sleep(0.3)\n"
        "print(own.process, flush=True)\n"
        "time.sleep(600)\n"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    server = subprocess.Popen(
        [sys.executable, "-c", script, json.dumps(command())],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert server.stdout
    writer = int(server.stdout.readline())
    assert not is_gone(writer)
    server.kill()
    server.wait()
    wait_for(lambda: is_gone(writer))


def is_gone(process):
    with suppress(OSError):  # one that nobody waits for has ended, too
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def test_what_never_gets_ready_or_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(apart, "_ENDING", 0.2)
    chatter = "import sys, time; sys.stdout.buffer.write(b'hello' * 9); sys.stdout.flush()"
    with pytest.raises(UsageError, match=r"x ended \(code -9\) before"):
        Apart([sys.executable, "-c", f"{chatter}; time.sleep(600)"], "x")
    monkeypatch.setattr(apart, "_LOADING", 0.3)
    with pytest.raises(UsageError, match=r"x ended \(code -9\) before"):
        Apart([sys.executable, "-c", "import time; time.sleep(600)"], "x")


def test_it_ends_with_who_asked():
    own = Apart(command(), "rain-maker")
    assert is_running(own.process)
    own.end()
    assert not is_running(own.process)
