"""Picks, ratings and preferences: what a file comes to, and that no confirmed line is lost."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.failures.errors import UsageError
from curation.shard import picks
from curation.shard.picks import Mark, Preference, Recorder

WRITER = """
import sys
from curation.shard.picks import Recorder
recorder = Recorder(sys.argv[1])
for number in range(10**9):
    recorder.rate(f"{number:032x}", "a.jpg", number % 5 + 1)
    print(number, flush=True)
"""


def test_the_last_line_counts_and_null_takes_back(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "folder" / "picks.jsonl")
    recorder.pick("a", "a.jpg", "keep")
    recorder.rate("a", "a.jpg", 2)
    recorder.rate("a", "a.jpg", 5)
    recorder.pick("b", "b.jpg", "reject")
    recorder.rate("b", "b.jpg", 5)
    recorder.rate("c", "c.jpg", 4)
    recorder.rate("d", "d.jpg", 3)
    recorder.rate("d", "d.jpg", None)
    recorder.prefer(("a", "b"), ("a.jpg", "b.jpg"), "a")
    recorder.prefer(("c", "a"), ("c.jpg", "a.jpg"), "c")
    recorder.prefer(("b", "a"), ("b.jpg", "a.jpg"), "b")
    recorder.prefer(("c", "d"), ("c.jpg", "d.jpg"), "d")
    recorder.prefer(("d", "c"), ("d.jpg", "c.jpg"), None)
    said = picks.read(recorder.path)
    assert said == recorder.said
    assert said.marks == {"a": Mark("keep", 5), "b": Mark("reject", 5), "c": Mark(None, 4)}
    assert said.liked() == {"a", "c"} and said.liked(5) == {"a"}
    assert said.rejected() == {"b"}
    assert said.preferences == [Preference("c", "a"), Preference("b", "a")]
    first = json.loads(recorder.path.read_text().splitlines()[0])
    assert first.pop("time").endswith("Z")
    assert first == {"id": "a", "key": "a.jpg", "pick": "keep"}


@pytest.mark.parametrize(
    "line",
    [
        *('{"id": "a"}', '{"id": "a", "pick": "maybe"}', '{"id": 1, "pick": "keep"}', "[]", "nan"),
        *('{"id": "a", "rating": 0}', '{"id": "a", "rating": 6}', '{"id": "a", "rating": true}'),
        *('{"id": "a", "rating": 4.0}', '{"images": ["a", "a"], "preferred": "a"}', "\\xff", '"'),
        *('{"images": ["a", "b"], "preferred": "c"}', '{"images": ["a"], "preferred": "a"}'),
        "[" * 100_000,
    ],
    ids=lambda line: line[:40],
)
def test_a_line_that_is_none_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "picks.jsonl"
    path.write_text('{"id": "a", "pick": "keep"}\n' + line + "\n")
    with pytest.raises(UsageError, match=r"picks\.jsonl:2: expected \{id, pick"):
        picks.read(path)
    with pytest.raises(UsageError, match="take it out"):
        Recorder(path)
    assert path.read_text().endswith(line + "\n")  # nothing of the user's is cut away


def test_what_is_not_understood_is_not_written(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "picks.jsonl")
    for wrong in (0, 6):
        with pytest.raises(ValueError, match="expected"):
            recorder.rate("a", "a.jpg", wrong)
    with pytest.raises(ValueError, match="expected"):
        recorder.prefer(("a", "a"), ("", ""), "a")
    assert recorder.path.read_bytes() == b"" and recorder.version == 0
    with pytest.raises(UsageError, match="No such file"):
        picks.read(tmp_path / "other.jsonl")


@given(st.integers(0, 400))
def test_a_file_that_was_cut_anywhere_keeps_its_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "picks.jsonl"
    recorder = Recorder(path)
    for number in range(4):
        recorder.rate(str(number), "a.jpg", number + 1)
    recorder.close()
    data = path.read_bytes()[:cut]
    path.write_bytes(data)
    whole = data.count(b"\n") + (data[-1:] == b"}")
    assert len(picks.read(path).marks) == whole
    again = Recorder(path)
    again.rate("z", "z.jpg", 1)
    again.close()
    assert [*picks.read(path).marks] == [*map(str, range(whole)), "z"]


def test_what_was_confirmed_outlives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "picks.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        confirmed = [int(writer.stdout.readline()) for _ in range(50)]
        os.kill(writer.pid, signal.SIGKILL)
    assert {f"{number:032x}" for number in confirmed} <= picks.read(path).marks.keys()
