"""A folder of units over HTTP: what is asked for and allowed, and nothing else."""

import http.client
import json
import threading
from dataclasses import replace

import pytest
import torch
from making.produced import LAST, make_all, opened

from curation.failures.errors import UsageError
from train.producers import agreed, serving, transport
from train.producers.prefetching import StoppedWaitingError
from train.producers.transport import HttpStore


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    produced = opened(tmp_path_factory.mktemp("served"))
    make_all(produced)
    return produced


@pytest.fixture
def url(made):
    with serving.bound("127.0.0.1", 0, made.root, "") as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def asked(url, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, names)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def test_a_unit_comes_whole_in_parts_and_not_twice(made, url):
    name = next(iter(made.folder.names()))
    data = made.folder.unit(name).read_bytes()
    response, content = asked(url, "GET", f"/unit/{name}")
    assert (response.status, content) == (200, data)
    assert response.headers["ETag"] == f'"{name}"'
    assert response.headers["Accept-Ranges"] == "bytes"
    again, nothing = asked(url, "GET", f"/unit/{name}", If_None_Match=f'"{name}"')
    assert (again.status, nothing) == (304, b"")
    for given, part in (
        ("bytes=10-19", data[10:20]),
        ("bytes=100-", data[100:]),
        ("bytes=-7", data[-7:]),
        (f"bytes=0-{10 * len(data)}", data),
    ):
        response, content = asked(url, "GET", f"/unit/{name}", Range=given)
        assert (response.status, content) == (206, part)
        assert response.headers["Content-Range"].endswith(f"/{len(data)}")
    for given in ("bytes=-", f"bytes={len(data)}-", "bytes=5-4", "bytes=0-1,3-4", "words=0-1"):
        response, _ = asked(url, "GET", f"/unit/{name}", Range=given)
        assert response.status == 416, given


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/unit/",
        "/unit",
        "/units/",
        "/unit/../plan.json",
        "/unit/..%2f..%2fplan.json",
        "/unit/" + "0" * 31,
        "/unit/" + "0" * 33,
        "/unit/" + "0" * 32,
        "/unit/" + "A" * 32,
        "/unit/" + "0" * 32 + "/",
        "/unit/" + "0" * 32 + "?x",
        "//etc/passwd",
        "/plan.json",
        "/leases/x.json",
    ],
)
def test_nothing_else_is_there(url, path):
    response, content = asked(url, "GET", path)
    assert response.status == 404
    assert set(json.loads(content)) == {"error"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"owner": "a"}',
        b'{"owner": "../a", "position": 1}',
        b'{"owner": 5, "position": 1}',
        b'{"owner": "a", "unit": "../../plan"}',
        b'{"owner": "a", "position": -1}',
        b'{"owner": "a", "version": {"number": 1, "first": 9, "phases": []}}',
        b'{"owner": "a", "version": {"number": 2, "first": 9, "phases": [{"steps": 0}]}}',
    ],
)
def test_a_lease_that_is_none_is_refused(made, url, content):
    response, answer = asked(url, "POST", "/lease", content)
    assert response.status == 400
    assert "expected a lease" in json.loads(answer)["error"]


def test_bodies_have_a_limit_and_a_length(url):
    response, _ = asked(url, "POST", "/lease", b"x" * 70_000)
    assert response.status == 413
    response, _ = asked(url, "POST", "/lease", iter([b"x"]), Transfer_Encoding="chunked")
    assert response.status == 413
    response, _ = asked(url, "PUT", "/lease", b"{}")
    assert response.status == 501


def test_leases_go_through(made, url):
    name = "f" * 32
    body = {"owner": "a", "unit": name}
    assert asked(url, "POST", "/lease", json.dumps(body))[1] == b'{"lease": "leased"}'
    body["owner"] = "b"
    assert asked(url, "POST", "/lease", json.dumps(body))[1] == b'{"lease": "held"}'
    made.folder.release(name, "a")


def test_a_consumer_reads_the_same_batches(made, url):
    store = HttpStore(url, pytest.fail)
    assert store.plan() == agreed.read(made.root)
    consumer, counters = made.consumer(store)
    for step in range(1, LAST + 1):
        for (_, ours), (_, theirs) in zip(consumer.at(step), made.batches.at(step), strict=True):
            assert torch.equal(ours.latents, theirs.latents)
            assert ours.planned == theirs.planned
    store.tell_position("a", 5)
    assert made.folder.position(LAST, 0) == 5
    assert store.counts()["units"] == 2
    assert counters.values()["bytes"] > 0


def test_a_damaged_unit_is_discarded_there_but_a_good_one_is_not(made, url):
    store = HttpStore(url, pytest.fail)
    first, second = made.workshop.plan.at(1).spans.between(1, LAST)
    assert store.get(first)
    store.remove(first)
    assert made.folder.get(first.name)
    path = made.folder.unit(second.name)
    content = path.read_bytes()
    at = len(content) // 2
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    store.remove(second)
    assert made.folder.get(second.name) is None
    assert store.get(second) is None
    make_all(made)
    assert path.read_bytes() == content


def test_versions_are_proposed_there_and_accepted_from_here(made, url):
    from train.configuration import PhaseConfiguration

    store = HttpStore(url, pytest.fail)
    assert store.version(2) is None
    agreed.propose(made.root, (PhaseConfiguration(batch=3),), 50)
    version, accepted = store.version(2)
    assert (version.first, version.phases[0].batch, accepted) == (50, 3, False)
    agreed_on = replace(version, first=60)
    store.accept(agreed_on)
    store.accept(replace(version, first=70))  # what was agreed on stays
    assert store.version(2) == agreed.version(made.root, 2) == (agreed_on, True)


def test_without_the_token_nothing_is_told(made, tmp_path, monkeypatch):
    token = tmp_path / "token"
    token.write_text("secret\n")
    with serving.bound("127.0.0.1", 0, made.root, transport.read_token(str(token))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        for method, path in (("GET", "/plan"), ("POST", "/lease"), ("GET", "/nothing")):
            for headers in ({}, {"Authorization": "Bearer wrong"}):
                response, content = asked(url, method, path, b"{}", **headers)
                assert response.status == 401
                assert json.loads(content) == {"error": "expected the token"}
        with pytest.raises(UsageError, match="refuses the token; expected INKSTONE_UNITS_TOKEN"):
            HttpStore(url, pytest.fail).plan()
        monkeypatch.setenv(transport.TOKEN_FILE, str(token))
        assert HttpStore(url, pytest.fail).plan() == agreed.read(made.root)
        server.shutdown()
        thread.join()


def test_mistakes_are_sentences(made, tmp_path):
    with pytest.raises(UsageError, match=r"--host 0.0.0.0: expected --token-file"):
        serving.bound("0.0.0.0", 0, made.root, "")
    with pytest.raises(UsageError, match="no folder"):
        serving.bound("127.0.0.1", 0, tmp_path / "none", "")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(UsageError, match="expected a token"):
        transport.read_token(str(tmp_path / "empty"))
    with pytest.raises(UsageError, match="expected http://host:port"):
        HttpStore("http://host:1/path", pytest.fail)


def test_a_server_that_is_started_again_is_waited_for(made):
    with serving.bound("127.0.0.1", 0, made.root, "") as server:
        host, port = server.server_address[:2]
    url, said, started = f"http://{host}:{port}", [], []

    def tell(sentence):
        said.append(sentence)
        server = serving.bound(host, port, made.root, "")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        started.append((server, thread))

    store = HttpStore(url, tell)
    assert store.plan() == agreed.read(made.root)
    span = next(made.workshop.plan.at(1).spans.between(1, LAST))
    assert store.get(span).read_bytes() == made.folder.unit(span.name).read_bytes()
    ((server, thread),) = started
    server.shutdown()
    thread.join()
    server.server_close()
    (sentence,) = said
    assert sentence.startswith(f"data.units: {url} cannot be reached (")
    assert sentence.endswith("asking again for 15 s")


def test_a_server_that_stays_away_is_named_after_a_time():
    url, said = "http://127.0.0.1:1", []
    expected = (
        rf"data\.units: {url} cannot be reached for \d+ s .*: is `python -m train.serve_units`"
    )
    with pytest.raises(ConnectionError, match=expected):
        HttpStore(url, said.append, patience=0.5).plan()
    assert len(said) == 1


def test_who_waits_for_a_server_ends_when_it_is_asked_to():
    store = HttpStore("http://127.0.0.1:1", lambda sentence: None)
    store.ends_when(lambda: True)
    with pytest.raises(StoppedWaitingError):
        store.counts()
