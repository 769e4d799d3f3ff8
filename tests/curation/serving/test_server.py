"""The command: what it refuses before it listens, how it ends, and a real server that stays up."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from making.commands import Ended, invoke
from making.places import ROOT

pytest.importorskip("duckdb")
pytest.importorskip("uvicorn")

from curation import command
from curation.failures.errors import UsageError
from curation.serving import guard, server


def serve(*arguments: str) -> Ended:
    return invoke(command.app, ["serve", *arguments])


def test_what_is_no_finished_run_is_refused(made: Path, tmp_path: Path) -> None:
    picks = str(tmp_path / "picks.jsonl")
    for place, code, says in (
        (tmp_path / "nothing", 2, "no run has finished in"),
        (made / "in", 2, "no run has finished in"),
        (made / "in" / "0000.jpg", 2, "run first: beam run"),
    ):
        ended = serve(str(place), "--port", "0", "--picks", picks)
        assert (ended.exit_code, ended.stdout) == (code, "") and says in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
    output = tmp_path / "out"
    shutil.copytree(made / "out", output)
    ledger = next((output / "ledger").glob("*.parquet"))
    data = ledger.read_bytes()
    ledger.write_bytes(data[:100])
    damaged = serve(str(output), "--port", "0")
    assert damaged.exit_code == 4 and f"{ledger.name}: " in damaged.stderr
    assert "--verify writes it again" in damaged.stderr
    ledger.unlink()
    half = serve(str(output), "--port", "0")
    assert half.exit_code == 2 and "counts" in half.stderr and "the ledger has" in half.stderr
    ledger.write_bytes(data)
    (output / "run.json").write_text("{}")
    assert serve(str(output), "--port", "0").exit_code == 2


def test_odd_addresses_are_refused(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = str(made / "out")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = serve(output, "--port", port)
        assert ended.exit_code == 2 and f"cannot listen at 127.0.0.1, port {port}" in ended.stderr
    for odd in ("-1", "65536", "99999999999999999999"):
        assert "choose another --host or --port" in serve(output, "--port", odd).stderr
    assert serve(output, "--port", "http").exit_code == 2
    ended = serve(output, "--host", "0.0.0.0", "--port", "0")
    assert ended.exit_code == 2 and "INKSTONE_TOKEN" in ended.stderr
    monkeypatch.setenv(guard.TOKEN, "a token of twenty two c")
    for host in ("no such host", "256.256.256.256", "x" * 300, ".."):
        ended = serve(output, "--host", host, "--port", "0")
        assert ended.exit_code == 2 and "cannot listen at" in ended.stderr


def test_a_missing_extra_is_a_sentence(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "find_spec", lambda name: None if name == "duckdb" else name)
    ended = serve(str(made / "out"))
    assert ended.exit_code == 2
    assert ended.stderr.endswith("beam serve needs duckdb: pip install 'inkstone[serve]'\n")


def test_picks_lie_beside_the_files_of_a_run(made: Path, tmp_path: Path) -> None:
    output = str(made / "out")
    assert server.picks_path(output, None) == f"{output}/picks.jsonl"
    assert server.picks_path(output, f"{tmp_path}/mine") == f"{tmp_path}/mine"
    (tmp_path / "link").symlink_to(made / "out")
    within = ("shards/picks.jsonl", "run.json", "ledger", "a/../shards/b.jsonl")
    for inside in (*(f"{output}/{of}" for of in within), f"{tmp_path}/link/signals/a.jsonl"):
        with pytest.raises(UsageError, match="among the files of the run; expected a file of its"):
            server.picks_path(output, inside)
    with pytest.raises(UsageError, match="expected a local file"):
        server.picks_path("gs://bucket/out", None)
    with pytest.raises(UsageError, match="a folder"):
        server.picks_path(output, str(tmp_path))
    bad = tmp_path / "bad.jsonl"
    bad.write_text("no\n")
    ended = serve(output, "--port", "0", "--picks", str(bad))
    assert ended.exit_code == 2 and "bad.jsonl:1: expected" in ended.stderr


def test_one_server_at_a_time_writes_a_file_of_picks(made: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "picks.jsonl")
    with ExitStack() as first, ExitStack() as second:
        server.opened(str(made / "out"), path, first)
        with pytest.raises(UsageError, match="another server writes there"):
            server.opened(str(made / "out"), path, second)
        server.opened(str(made / "out"), str(tmp_path / "others.jsonl"), second)
    with ExitStack() as third:
        server.opened(str(made / "out"), path, third)
    assert {path.name for path in tmp_path.iterdir()} == {"picks.jsonl", "others.jsonl"}


def test_a_run_that_did_not_end_is_said(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    shutil.copytree(made / "out", output)
    for there in (True, False):
        with ExitStack() as held:
            server.opened(str(output), str(tmp_path / "picks.jsonl"), held)
        assert ("_SUCCESS: not there" in capsys.readouterr().err) != there
        (output / "_SUCCESS").unlink(missing_ok=True)


@contextmanager
def served(output: Path, picks: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    arguments = ["serve", str(output), "--port", "0", "--picks", str(picks)]
    with subprocess.Popen(
        [sys.executable, "-m", "curation.command", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        try:
            yield line.split()[0], process
        finally:
            process.kill()


def raw(address: str, data: bytes) -> bytes:
    """What a socket answers to bytes."""
    host, port = address.removeprefix("http://").strip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(1 << 16)


def test_a_real_server_stays_up_and_ends_when_told(made: Path, tmp_path: Path) -> None:
    picks = tmp_path / "picks.jsonl"
    with served(made / "out", picks) as (address, process):
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert b"picture/0/0/small" in answer.read()
            assert "server" not in {name.lower() for name in answer.headers}
        for data in (b"", b"\0" * 999, b"GET / HTTP/9.9\r\n\r\n", b"GET " + b"a" * 99_999,
                     b"POST /marks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{",
                     b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"):  # fmt: skip
            assert b"<figure" not in raw(address, data)
        marking = urllib.request.Request(
            f"{address}marks",
            b'{"number": 0, "rating": 5}',
            {"X-Inkstone": "1", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(marking, timeout=60) as answer:
            assert b'"rating":5' in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert picks.read_text().count('"rating": 5') == 1
