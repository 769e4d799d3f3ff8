"""Waiting, batches, and workers that end: every answer is its own request's, and none is lost."""

import asyncio
import base64
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from making import stand_in_worker
from making.commands import wait_for
from making.image_server import offer, serving
from making.stand_in_worker import colour
from PIL import Image

from curation.failures.errors import UsageError
from infer.provenance import keys
from infer.server import frames
from infer.server import pool as pool_module
from infer.server import running as running_module
from infer.server.asked import Asked
from infer.server.pool import Limits
from infer.server.waiting import Waiting, Wanted

SLOW = {"prompt": "slow", "steps": 40}  # two seconds


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, limits=Limits(waiting=12, batch=4)) as made:
        yield made


@pytest.fixture
def server(running):
    wait_for(lambda: running.ask("/health").json["workers"]["idle"])
    running.log.unlink(missing_ok=True)
    return running


def is_own(answer, prompt):
    (row,) = answer.json["data"]
    image = Image.open(io.BytesIO(base64.b64decode(row["b64_json"])))
    return image.getpixel((0, 0)) == colour(prompt, row["seed"]) and image.text["prompt"] == prompt


def asked_in_vain(server, body):
    """A client that sends a request and goes at once."""
    data = json.dumps(body).encode()
    head = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        start = "POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n"
        connection.sendall(start.encode() + head.encode() + data)
        wait_for(lambda: is_known(server, body["prompt"]))


def is_known(server, prompt):
    waiting = [each.asked.prompt for each in server.service.pool._waiting._listed]
    return prompt in waiting or any(prompt in batch for batch in server.batches)


def listed(*steps, cost=10):
    return [Wanted(Asked(str(n), n, 1, 1, of, 1.0), cost) for n, of in enumerate(steps)]


def prompts(batch):
    return [each.asked.prompt for each in batch]


def test_who_waits_longest_begins_a_batch_that_others_join():
    async def take():
        waiting = Waiting(10, 1000)
        waiting.add(listed(4, 8, 4, 4, 8))
        batches = [prompts(waiting.take(2, 1000)) for _ in range(4)]
        assert batches == [["0", "2"], ["1", "4"], ["3"], []]
        large, *rest = listed(4, 4, 4, 4)
        waiting.add([replace_cost(large, 90), *rest])
        assert prompts(waiting.take(8, 100)) == ["0", "1"]
        rest[1].alone = True
        assert prompts(waiting.take(8, 5)) == ["2"] and prompts(waiting.take(8, 5)) == ["3"]

    asyncio.run(take())


def replace_cost(wanted, cost):
    wanted.cost = cost
    return wanted


def test_room_is_by_count_and_by_pixels():
    async def ask():
        waiting = Waiting(3, 25)
        assert waiting.has_room(listed(4, 4, 4)) and not waiting.has_room(listed(4, 4, 4, 4))
        waiting.add(listed(4))
        assert waiting.has_room(listed(4)) and not waiting.has_room(listed(4, 4))

    asyncio.run(ask())


def test_what_costs_more_waits_alone():
    asked = Asked("a", 0, 100, 100, 4, 1.0)
    assert asked.cost(7) == 10_000
    assert replace(asked, guidance=4.0, images=(b"", b"")).cost(7) == 60_000
    assert replace(asked, width=0).cost(7) == 7
    assert Asked.of_plain(*asked.plain()) == asked
    edit = replace(asked, images=(b"x", b"yy"), mask=b"z")
    assert Asked.of_plain(*edit.plain()) == edit


def test_a_pipe_that_breaks_is_said():
    frame = frames.encoded({"a": 1}, [b"xy", b""])
    assert frames.read(io.BytesIO(frame)) == ({"a": 1}, [b"xy", b""])
    for broken in (b"", frame[:3], frame[:9], frame[:-1], b"print\n" * 9, b"\0\0\0\2[}"):
        with pytest.raises(frames.BrokenPipeFrame):
            frames.read(io.BytesIO(broken))


def counted(server):
    lines = server.ask("/metrics").body.decode().splitlines()
    split = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in split}


def test_waiting_requests_share_a_batch_and_a_full_queue_says_when(server):
    before = counted(server)
    with ThreadPoolExecutor(16) as pool:
        first = pool.submit(server.generate, **SLOW)
        wait_for(lambda: server.batches)
        others = [pool.submit(server.generate, f"p{n}", steps=4) for n in range(12)]
        wait_for(lambda: server.ask("/health").json["waiting"] == 12)
        full = server.generate("too many")
        assert (full.status, full.code) == (429, "queue_full")
        assert 1 <= int(full.headers["retry-after"]) <= 300
        assert is_own(first.result(), "slow")
        assert all(is_own(each.result(), f"p{n}") for n, each in enumerate(others))
    assert sorted(map(len, server.batches)) == [1, 4, 4, 4]
    after = counted(server)
    more = {name: after[name] - before.get(name, 0) for name in after}
    assert more['image_server_requests_total{code="429",path="/v1/images/generations"}'] == 1
    assert more["image_server_images_total"] == more["image_server_batch_images_sum"] == 13
    assert more["image_server_batch_images_count"] == 4
    assert more["image_server_step_seconds_count"] == SLOW["steps"] - 1 + 3 * 3
    assert after["image_server_queue_images"] == after["image_server_queue_pixels"] == 0


def test_what_kills_a_worker_takes_nobody_else_along(server):
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(server.generate, **SLOW)
        wait_for(lambda: server.batches)
        names = ("a", "die", "b", "fail")
        others = {name: pool.submit(server.generate, name, steps=4) for name in names}
        answers = {name: each.result() for name, each in others.items()}
        assert is_own(first.result(), "slow")
    assert is_own(answers["a"], "a") and is_own(answers["b"], "b")
    assert (answers["die"].status, answers["die"].code) == (503, "worker_ended")
    assert (answers["fail"].status, answers["fail"].code) == (500, "generation_failed")
    assert [len(batch) for batch in server.batches[:2]] == [1, 4]
    assert counted(server)["image_server_workers_ended_total"] == 2


def test_a_killed_worker_is_started_again_and_its_image_made(server):
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.generate, **SLOW)
        wait_for(lambda: server.batches)
        (process,) = server.worker_processes()
        os.kill(process, signal.SIGKILL)
        assert is_own(answer.result(), "slow")
    assert server.batches == [["slow"], ["slow"]]
    wait_for(server.worker_processes)
    assert server.worker_processes() != [process]


def test_who_goes_is_not_waited_for(server):
    asked_in_vain(server, SLOW | {"steps": 200})
    wait_for(lambda: server.ask("/health").json["workers"]["idle"])  # long before ten seconds
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.generate, **SLOW)
        wait_for(lambda: ["slow"] in server.batches[1:])
        asked_in_vain(server, {"prompt": "gone"})
        wait_for(lambda: server.ask("/health").json["waiting"] == 0)
        assert is_own(first.result(), "slow")
    assert is_own(server.generate("next"), "next")
    assert ["gone"] not in server.batches
    with socket.create_connection(("127.0.0.1", server.port)) as connection:  # of a stream
        data = json.dumps(SLOW | {"steps": 200, "stream": True}).encode()
        head = "POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        connection.sendall(head.encode() + data)
        assert b"200 OK" in connection.recv(100)
    wait_for(lambda: server.ask("/health").json["workers"]["idle"])


def test_what_takes_too_long_is_ended(server, monkeypatch):
    pool = server.service.pool
    monkeypatch.setattr(pool, "limits", replace(pool.limits, seconds=0.5))
    answer = server.generate(**SLOW | {"steps": 200})
    assert (answer.status, answer.code) == (504, "timeout")
    streamed = server.generate(**SLOW | {"steps": 200}, stream=True).body.decode()
    assert '"code": "timeout"' in streamed
    monkeypatch.undo()
    assert is_own(server.generate("next"), "next")


def is_running(process):
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def test_a_worker_that_hangs_is_replaced(server, monkeypatch):
    pool, before = server.service.pool, counted(server)
    (process,) = server.worker_processes()
    monkeypatch.setattr(pool_module, "_STOPPING", 1.0)
    with ThreadPoolExecutor(2) as threads:
        # Long enough for a busy machine to hand it to the worker first, which is seen below.
        monkeypatch.setattr(pool, "limits", replace(pool.limits, seconds=5))
        hung = threads.submit(server.generate, "hang")
        wait_for(lambda: ["hang"] in server.batches)
        monkeypatch.setattr(pool, "limits", replace(pool.limits, seconds=300))
        other = threads.submit(server.generate, "other")
        assert (hung.result().status, hung.result().code) == (504, "timeout")
        assert is_own(other.result(), "other")
    assert not is_running(process)
    assert server.worker_processes() != [process]
    assert server.batches == [["hang"], ["other"]]
    name = "image_server_workers_ended_total"
    assert counted(server)[name] == before.get(name, 0) + 1


def begun(server):
    lines = server.log.read_text().splitlines() if server.log.exists() else []
    return [json.loads(line)["process"] for line in lines]


def test_two_workers_make_images_at_once_and_one_that_is_killed_loses_none(tmp_path):
    limits = Limits(waiting=12, batch=1)
    with ThreadPoolExecutor(4) as threads, serving(tmp_path, limits=limits, workers=2) as server:
        wait_for(lambda: server.ask("/health").json["workers"]["idle"] == 2)
        answers = [threads.submit(server.generate, **SLOW, seed=seed) for seed in range(4)]
        wait_for(lambda: {*server.worker_processes()} <= {*begun(server)})
        killed, kept = server.worker_processes()
        lost = len(server.service.pool._workers[0].batch)  # none, should it be between two
        os.kill(killed, signal.SIGKILL)
        assert all(is_own(each.result(), "slow") for each in answers)
        assert [row["seed"] for each in answers for row in each.result().json["data"]] == [
            *range(4)
        ]
        assert kept in server.worker_processes() and killed not in server.worker_processes()
        assert len(server.batches) == 4 + lost  # the one that was lost is made again


def test_without_a_worker_it_says_so(tmp_path):
    broken = [sys.executable, "-c", "import sys; sys.exit(2)"]
    with serving(tmp_path / "server", commands=[broken], ready=False) as server:
        wait_for(lambda: server.service.pool.states()["failed"])
        answer = server.ask("/health")
        assert (answer.status, answer.json["status"]) == (503, "no worker")
        answer = server.generate("a")
        assert (answer.status, answer.code) == (503, "no_worker")
        assert "retry-after" in answer.headers
        assert server.service.pool.hopeless.result() == 2


def test_a_device_that_fails_ends_no_server_that_another_may_carry(tmp_path):
    absent = ["/no/such/program"]  # of which no process can be had
    settings = {"checkpoint": "painter", "key": str(tmp_path / "k"), "log": str(tmp_path / "log")}
    keys.made(tmp_path / "k")
    good = [sys.executable, stand_in_worker.__file__, json.dumps(settings)]
    with serving(tmp_path, commands=[absent, good], offered=offer(tmp_path / "painter")) as server:
        pool = server.service.pool
        wait_for(lambda: pool.states()["failed"] == pool.states()["idle"] == 1)
        assert not pool.hopeless.done()
        assert is_own(server.generate("a"), "a")


def test_a_server_that_ends_answers_what_is_being_made(tmp_path):
    with ThreadPoolExecutor(2) as pool, serving(tmp_path / "server") as server:
        first = pool.submit(server.generate, **SLOW)
        wait_for(lambda: server.batches)
        second = pool.submit(server.generate, "never", steps=9)
        wait_for(lambda: server.ask("/health").json["waiting"])
        server.loop.call_soon_threadsafe(server.service.pool.close)
        assert (second.result().status, second.result().code) == (503, "closing")
        assert server.generate("late").code == "closing"
        assert is_own(first.result(), "slow")


def test_a_port_is_had_before_anything_is_loaded(tmp_path):
    given = offer(tmp_path / "painter"), ("cpu",), tmp_path / "key.pem", None, Limits(), 9
    plan = running_module.Plan(*given, enhancer=pytest.fail)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = running_module.Place(port=taken.getsockname()[1])
        with pytest.raises(UsageError, match="cannot listen"):
            running_module.run(plan, place)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_and_its_workers(tmp_path, number):
    script = f"""
import sys
from pathlib import Path
from making import image_server, stand_in_worker
from making.rain_writer import RainWriter
from infer.enhancing.enhancer import Enhancer
from curation.failures import commands
from infer.server import running, workers
log = {str(tmp_path / "log")!r}
workers.commands = lambda folder, devices, key, check, execution: [[
    sys.executable, stand_in_worker.__file__,
    '{{"checkpoint": "painter", "key": "' + str(key) + '", "log": "' + log + '"}}']]
offer = image_server.offer(Path({str(tmp_path / "painter")!r}))
ended = lambda: sys.stderr.write("the writer ended\\n")
plan = running.Plan(offer, ("cpu",), Path({str(tmp_path / "key.pem")!r}), 0.5, running.Limits(), 9,
    enhancer=lambda: Enhancer(RainWriter(), None, ended))
commands.main("infer.server", lambda **_: running.run(plan, running.Place(port=0)))
"""
    paths = os.pathsep.join(path for path in sys.path if path)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert process.stderr
    lines = [process.stderr.readline()]
    assert "loading painter on cpu" in lines[0]
    while "painter at http://127.0.0.1:" not in lines[-1]:  # a worker is there
        lines.append(process.stderr.readline())
    assert any("libraries print" in line for line in lines)
    port = int(lines[-1].split("http://127.0.0.1:")[1].split("/")[0])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
    process.send_signal(number)
    rest = process.stderr.read()
    assert process.wait(30) == 128 + number
    assert "Traceback" not in rest and "the writer ended" in rest
    assert rest.strip().endswith("interrupted; run the same command again to go on")
