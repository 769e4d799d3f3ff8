"""Many clients at once, some of whom go, send nonsense or too much, while workers are killed."""

import base64
import http.client
import io
import json
import os
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from making import tiny_qwen
from making.commands import wait_for
from making.image_server import serving
from making.stand_in_worker import colour
from PIL import Image

from infer.engine.request import Request, Settings
from infer.provenance import keys, marks
from infer.server import workers
from infer.server.offer import Offer
from infer.server.pool import Limits

CODES = {
    "nonsense": {(400, "invalid_json")},
    "unknown": {(400, "unknown_parameter")},
    "oversized": {(413, "request_too_large")},
    "broken upload": {(400, "invalid_image")},
}


def faulty(server, kind):
    """A request with a fault, and what was answered."""
    if kind == "gone":
        body = json.dumps({"prompt": "gone", "steps": 3, "size": "64x32"}).encode()
        head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            start = "POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n"
            connection.sendall(start.encode() + head.encode() + body[: random.randrange(1, 60)])
        return None
    if kind == "nonsense":
        answer = server.ask("/v1/images/generations", b"{", {"Content-Type": "application/json"})
    elif kind == "unknown":
        answer = server.generate("a", strength=1)
    elif kind == "oversized":
        answer = server.edit([("prompt", "a"), ("image", ("a.png", bytes(2 << 20)))])
    else:
        answer = server.edit([("prompt", "a"), ("image", ("a.png", os.urandom(999)))])
    return answer.status, answer.code


def storm(server, clients, ask, kills):
    """Every client asks ``ask(number)`` until it is answered 200; faults come in between."""
    kinds = ("gone", *CODES)
    refused: list[tuple[int, str]] = []
    killed = threading.Event()

    def client(number):
        if number % 4 == 3:
            return faulty(server, kinds[number // 4 % len(kinds)])
        while True:
            try:
                answer = ask(number)
            except (http.client.HTTPException, OSError) as error:
                raise AssertionError(f"client {number} was not answered") from error
            if answer.status == 200:
                return answer
            refused.append((answer.status, answer.code))
            time.sleep(0.05)

    def kill():
        for _ in range(kills):
            wait_for(lambda: server.ask("/health").json["workers"]["busy"], 240)
            process = server.worker_processes()[0]
            os.kill(process, signal.SIGKILL)
            wait_for(lambda: process not in server.worker_processes(), 240)  # noqa: B023
        killed.set()

    with ThreadPoolExecutor(clients + 1) as pool:
        killer = pool.submit(kill)
        answers = list(pool.map(client, range(clients)))
        killer.result()
    assert killed.is_set()
    for number, answer in enumerate(answers):
        kind = kinds[number // 4 % len(kinds)]
        if number % 4 == 3 and kind != "gone":
            assert answer in CODES[kind], (kind, answer)
    assert {code for _, code in refused} <= {"queue_full", "worker_ended"}, refused
    return {number: answer for number, answer in enumerate(answers) if number % 4 != 3}


def test_twenty_clients_and_a_worker_killed(tmp_path):
    with serving(tmp_path / "server", limits=Limits(waiting=8, batch=4), workers=2) as server:

        def ask(number):
            return server.generate(f"client {number}", seed=number, steps=9)

        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(server.generate, "slow", steps=30)
            answers = storm(server, 20, ask, kills=1)
            assert slow.result().status == 200
    assert len(answers) == 15
    for number, answer in answers.items():
        (row,) = answer.json["data"]
        image = Image.open(io.BytesIO(base64.b64decode(row["b64_json"])))
        assert image.getpixel((0, 0)) == colour(f"client {number}", number)
        assert image.text["prompt"] == f"client {number}"


@pytest.mark.drill
def test_two_hundred_clients_of_a_server_with_weights(tmp_path):
    from infer.engine.engine import Engine  # heavy, and needed here alone

    folder = tiny_qwen.save_pipeline(tmp_path / "tiny")
    engine, path = Engine.load(folder, "cpu"), tmp_path / "server" / "key.pem"
    commands = workers.commands(folder, ("cpu",), path, 0.99)
    offered, limits = Offer.of(folder, 10**6, 50), Limits(waiting=64, batch=8, seconds=900)
    sizes = [(64, 32), (32, 64), (48, 48), (32, 32)]
    given = {"offered": offered, "commands": commands, "limits": limits, "ready": False}
    with serving(tmp_path / "server", **given) as server:
        wait_for(lambda: server.ask("/health").status == 200, 240)

        def ask(number):
            size = "{}x{}".format(*sizes[number % 4])
            return server.generate(f"client {number}", seed=number, steps=2 + number % 3, size=size)

        answers = storm(server, 200, ask, kills=2)
        assert server.ask("/health").status == 200
    assert len(answers) == 150
    exact = 0
    for number, answer in answers.items():
        (row,) = answer.json["data"]
        data = base64.b64decode(row["b64_json"])
        facts = marks.verified(data, keys.public(path), "x").facts
        assert (facts["prompt"], facts["seed"]) == (f"client {number}", str(number))
        settings = Settings(*sizes[number % 4], 2 + number % 3, 4.0)
        (expected,) = engine.generate([Request(f"client {number}", number, settings)])
        own = np.asarray(Image.open(io.BytesIO(data))).astype(int)
        assert np.abs(own - np.asarray(expected)).max() <= 1
        exact += np.array_equal(own, np.asarray(expected))
    assert exact > len(answers) / 2


@pytest.mark.drill
def test_two_workers_with_weights_and_one_killed(tmp_path):
    from infer.engine.engine import Engine  # heavy, and needed here alone

    folder = tiny_qwen.save_pipeline(tmp_path / "tiny")
    path = tmp_path / "server" / "key.pem"
    commands = workers.commands(folder, ("cpu", "cpu"), path, None)
    offered, limits = Offer.of(folder, 10**6, 50), Limits(batch=1, seconds=900)
    given = {"offered": offered, "commands": commands, "limits": limits, "ready": False}
    with serving(tmp_path / "server", **given) as server, ThreadPoolExecutor(8) as threads:
        wait_for(lambda: server.ask("/health").json["workers"]["idle"] == 2, 240)
        asked = {"size": "256x256", "steps": 9}
        answers = [threads.submit(server.generate, "ink", seed=n, **asked) for n in range(8)]
        wait_for(lambda: server.ask("/health").json["workers"]["busy"] == 2, 240)
        killed, kept = server.worker_processes()
        os.kill(killed, signal.SIGKILL)
        assert all(answer.result().status == 200 for answer in answers)
        assert kept in server.worker_processes() and killed not in server.worker_processes()
    engine = Engine.load(folder, "cpu")
    for number, answer in enumerate(answers):
        (row,) = answer.result().json["data"]
        (expected,) = engine.generate([Request("ink", number, Settings(256, 256, 9, 4.0))])
        own = Image.open(io.BytesIO(base64.b64decode(row["b64_json"])))
        assert np.array_equal(np.asarray(own), np.asarray(expected))
