"""What may be asked, and what is answered where it may not: a sentence and a code."""

import base64
import errno
import http.client
import io
import json
import os
import socket

import pytest
from making.image_server import serving
from making.stand_in_worker import colour
from PIL import Image

from infer.harness import served
from infer.harness.rows import Request
from infer.harness.sources import Task
from infer.server import bodies


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server")) as made:
        yield made


def png(size=(64, 32), mode="RGB", shade=90):
    stream = io.BytesIO()
    Image.new(mode, size, shade if mode == "L" else (shade,) * len(mode)).save(stream, "PNG")
    return stream.getvalue()


def image_of(row):
    return Image.open(io.BytesIO(base64.b64decode(row["b64_json"], validate=True)))


def test_images_are_those_asked_for(server):
    answer = server.generate("hello", n=3, seed=5, size="32x64", steps=2, guidance=1)
    assert answer.status == 200
    content = answer.json
    assert (content["size"], content["output_format"]) == ("32x64", "png")
    rows = content["data"]
    assert rows[0]["seed"] == 5 and len({row["seed"] for row in rows}) == 3
    for row in rows:
        image = image_of(row)
        assert image.size == (32, 64)
        assert image.getpixel((0, 0)) == colour("hello", row["seed"])
        assert image.text["prompt"] == "hello" and image.text["seed"] == str(row["seed"])
        assert (image.text["steps"], image.text["guidance"]) == ("2", "1.0")
    again = server.generate("hello", seed=rows[2]["seed"], size="32x64", steps=2, guidance=1)
    assert again.json["data"][0] == rows[2]
    unseeded = [server.generate("hello").json["data"][0]["seed"] for _ in range(2)]
    assert unseeded[0] != unseeded[1]


def test_fields_of_openai_and_of_other_servers_are_taken(server):
    more = {"model": "painter", "quality": "auto", "response_format": "b64_json", "user": "me"}
    more |= {"num_inference_steps": 3, "true_cfg_scale": 2.5, "negative_prompt": "blur", "n": None}
    answer = server.generate("hello", **more)
    assert answer.status == 200
    text = image_of(answer.json["data"][0]).text
    assert (text["steps"], text["guidance"], text["negative"]) == ("3", "2.5", "blur")


REFUSED = (
    ({}, "prompt: expected"),
    ({"prompt": " \n"}, "prompt: expected"),
    ({"prompt": 7}, "prompt is 7; expected text"),
    ({"prompt": "x" * 100_000}, "prompt: 100,000 characters; expected at most 4,000"),
    ({"prompt": "a\0b"}, "holds U+0000"),
    ({"prompt": "a\x1b[2J"}, "holds U+001B"),
    ({"prompt": "a", "negative_prompt": "\x07"}, "holds U+0007"),
    ({"prompt": "a", "size": "65x32"}, "the nearest is 64x32"),
    ({"prompt": "a", "size": "99999x99999"}, "expected at most 1,048,576"),
    ({"prompt": "a", "size": "0x0"}, "expected such as 1024x1024"),
    ({"prompt": "a", "size": [64, 32]}, "expected text"),
    ({"prompt": "a", "n": 11}, "n is 11; expected an integer from 1 to 10"),
    ({"prompt": "a", "n": True}, "n is True"),
    ({"prompt": "a", "n": "2"}, "n is '2'"),
    ({"prompt": "a", "n": 1.5}, "n is 1.5"),
    ({"prompt": "a", "seed": -1}, "seed is -1"),
    ({"prompt": "a", "seed": 10**40}, "seed is 1e+40"),
    ({"prompt": "a", "steps": 0}, "steps is 0"),
    ({"prompt": "a", "steps": 10**9}, "expected an integer from 1 to 200"),
    ({"prompt": "a", "steps": 2, "num_inference_steps": 2}, "expected one of them"),
    ({"prompt": "a", "guidance": "high"}, "guidance is 'high'"),
    ({"prompt": "a", "guidance": -0.1}, "guidance is -0.1"),
    ({"prompt": "a", "stream": "yes"}, "expected true or false"),
    ({"prompt": "a", "response_format": "url"}, "images are not kept at an address"),
    ({"prompt": "a", "quality": "hd"}, "use steps and guidance"),
    ({"prompt": "refuse"}, "this checkpoint takes no other number"),
)


@pytest.mark.parametrize(("body", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_made_is_a_sentence(server, body, said):
    answer = server.ask("/v1/images/generations", body)
    assert answer.status == 400
    assert answer.code in ("invalid_value", "missing_required_parameter")
    assert said in answer.json["error"]["message"]


BROKEN = (
    (b"", "invalid_json"),
    (b"{", "invalid_json"),
    (b"[]", "invalid_json"),
    (b'"prompt"', "invalid_json"),
    (b'{"prompt": "a", "guidance": NaN}', "invalid_json"),
    (b'{"prompt": "a", "guidance": -Infinity}', "invalid_json"),
    (b'{"prompt": "a", "prompt": "b"}', "invalid_json"),
    (b"\xff\xfe\xfa", "invalid_json"),
    (b'{"prompt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "invalid_json"),
    (b'{"prompt": "a", "seed": ' + b"9" * 5000 + b"}", "invalid_json"),
    (b'{"prompt": "a", "guidance": 1e309}', "invalid_value"),
    (b'{"prompt": "\\ud800"}', "invalid_value"),
    (b'{"prompt": "a", "controlnet": 1}', "unknown_parameter"),
    (b'{"prompt": "a", "__proto__": {}}', "unknown_parameter"),
)


@pytest.mark.parametrize(("body", "code"), BROKEN, ids=range(len(BROKEN)))
def test_broken_bodies_are_refused(server, body, code):
    answer = server.ask("/v1/images/generations", body, {"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (400, code)


def test_other_paths_methods_types_and_models(server):
    assert server.ask("/v1/images/variations", {"prompt": "a"}).status == 404
    assert server.ask("/..%2f..%2fetc/passwd").code == "not_found"
    assert server.ask("/v1/images/generations").code == "method_not_allowed"
    plain = server.ask("/v1/images/generations", b"{}", {"Content-Type": "text/plain"})
    assert (plain.status, plain.code) == (415, "invalid_content_type")
    answer = server.generate("a", model="dall-e-3")
    assert (answer.status, answer.code) == (404, "model_not_found")
    assert server.ask("/v1/models").json["data"][0]["id"] == "painter"
    assert b"BEGIN PUBLIC KEY" in server.ask("/v1/provenance").body
    assert server.ask("/health").json["workers"]["idle"] == 1
    assert server.ask("/check", {"prompt": "a"}).json == {"warnings": []}
    assert server.ask("/check", {"prompt": "a", "size": "1x1"}).status == 400


def edited(server, *fields):
    return server.edit([("prompt", "a"), *fields])


FILES = (
    ([], "0 images; expected 1 to 3"),
    ([("image[]", ("a.png", png()))] * 20, "20 images; expected 1 to 3"),
    ([("image", ("a.png", b"no image"))], "image 1: "),
    ([("image", ("a.png", b""))], "image 1: "),
    ([("image", ("a.png", png((64, 64), shade=7)[:80]))], "image 1: "),
    ([("image", ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"))], "image 1: "),
    ([("image", "text")], "image: expected a file"),
    ([("image", ("a.png", png())), ("n", ("n", b"1"))], "n: expected text"),
    ([("image", ("a.png", png())), ("n", "x")], "n is 'x'"),
    ([("image", ("a.png", png())), ("guidance", "nan")], "guidance is 'nan'"),
    ([("image", ("a.png", png())), ("guidance", "1e309")], "guidance is '1e309'"),
    ([("image", ("a.png", png())), ("n", "1"), ("n", "1")], "n: is there twice"),
    ([("image", ("a.png", png())), ("mask", ("m", b"GIF89a"))], "mask: "),
    ([("image[]", ("a", png()))] * 2 + [("mask", ("m", png(mode="RGBA")))], "for one image"),
)


@pytest.mark.parametrize(("fields", "said"), FILES, ids=range(len(FILES)))
def test_files_that_are_no_images_to_edit_are_refused(server, fields, said):
    answer = edited(server, *fields)
    assert answer.status == 400 and answer.code
    assert said in answer.json["error"]["message"]


def test_a_form_may_be_broken(server):
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x\r\nnonsense", b"--y--\r\n", os.urandom(5000)):
        answer = server.ask("/v1/images/edits", body, kind)
        assert answer.status == 400 and answer.code
    without = server.ask("/v1/images/edits", b"", {"Content-Type": "multipart/form-data"})
    assert without.status == 400 and without.code
    assert server.ask("/v1/images/edits", {"prompt": "a"}).status == 415


def test_bodies_beyond_the_limit_are_not_read(server):
    large = server.edit([("prompt", "a"), ("image", ("a.png", bytes(8 << 20)))])
    assert (large.status, large.code) == (413, "request_too_large")
    said = server.ask(
        "/v1/images/generations",
        b"",
        {"Content-Type": "application/json", "Content-Length": str(10**15)},
    )
    assert said.status == 413
    chunks = b"".join(b"10000\r\n" + bytes(0x10000) + b"\r\n" for _ in range(40)) + b"0\r\n\r\n"
    kind = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        lines = [f"{name}: {value}" for name, value in kind.items()]
        head = "\r\n".join(["POST /v1/images/generations HTTP/1.1", "Host: localhost", *lines])
        connection.sendall(f"{head}\r\n\r\n".encode() + chunks)
        assert connection.recv(12) == b"HTTP/1.1 413"
    assert server.generate("a").status == 200


def test_no_path_and_no_address_is_ever_opened(server, tmp_path):
    """A pipe that anybody opened to read has a reader, and a listener that was asked a client."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/x.png"
    with listener:
        for place in (str(pipe), f"file://{pipe}", f"../../../../..{pipe}", address):
            for name in ("prompt", "model", "size", "negative_prompt", "response_format", "image"):
                server.ask("/v1/images/generations", {"prompt": "a", name: place})
            for name in ("prompt", "model", "image", "mask", "url"):
                edited(server, (name, place))
                edited(server, ("image", (place, png())), ("mask", (place, place.encode())))
            server.ask("/" + place.lstrip("/"))
        with pytest.raises(OSError) as nobody:
            os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        assert nobody.value.errno == errno.ENXIO
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_the_harness_gets_its_images_from_it(server, tmp_path):
    given = {"size": (64, 32), "steps": 3, "guidance": 2.0, "negative": "", "concurrency": 2}
    url = f"http://127.0.0.1:{server.port}/v1"
    endpoint = served.Endpoint(url, "painter", tmp_path / "images", **given)
    tasks = [Task(Request(f"p{n}", f"prompt {n}"), 2**62 + n, (64, 32)) for n in range(4)]
    endpoint.make("anything", tasks)
    for number, task in enumerate(tasks):
        image = Image.open(tmp_path / "images" / task.request.file)
        assert image.getpixel((0, 0)) == colour(f"prompt {number}", 2**62 + number)
        assert image.text["seed_sent"] == "True"


def test_events_tell_of_every_step(server):
    answer = server.generate("hello", n=2, seed=1, stream=True, size="64x32")
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.body.decode().splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert events[0]["type"] == "image_generation.begun"
    steps = [(each["index"], each["step"]) for each in events if each["type"].endswith("progress")]
    assert sorted(steps) == [(index, step) for index in (0, 1) for step in range(4)]
    ended = {each["index"]: each for each in events if each["type"].endswith("completed")}
    assert [ended[index]["seed"] for index in (0, 1)] == events[0]["seeds"]
    for each in ended.values():
        assert image_of(each).getpixel((0, 0)) == colour("hello", each["seed"])
    refused = server.generate("refuse", stream=True).body.decode()
    assert "event: error" in refused and "no other number" in refused


def test_images_that_do_not_come_of_it_have_codes_of_their_own(server):
    held = server.generate("naked", seed=0, n=2)
    assert (held.status, held.code) == (400, "content_policy_violation")
    assert held.json["error"]["type"] == "image_generation_user_error"
    large = server.generate("memory")
    assert (large.status, large.code) == (400, "out_of_memory")
    assert "ask for a smaller size" in large.json["error"]["message"]


def test_a_body_that_does_not_arrive_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(bodies, "_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        head = "POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n"
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + b"{")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 408
        assert json.loads(answer.read())["error"]["code"] == "request_timeout"
