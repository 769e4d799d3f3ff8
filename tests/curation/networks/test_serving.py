"""Who may ask a web server of ours."""

import asyncio
import json

import pytest

from curation.failures.errors import UsageError
from curation.networks import serving
from curation.networks.serving import HEADERS, Access, Guarded

TOKEN = "a-token"


ANYBODY = Access()


def refused(access=ANYBODY, host="localhost:8000", public=False, **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    refusal = access.refusal({"host": host, **given}, public=public)
    return refusal and refusal[0]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:1", "[::1]:80", "10.0.0.7:8000"]
)
def test_addresses_and_loopback_names_are_ours(host):
    assert refused(host=host) is None


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "evil.example:8000", "[::1", "a b", "127.1"],
)
def test_other_names_are_not(host):
    assert refused(host=host) == 421
    assert refused(host=host, public=True) == 421


def test_a_name_that_was_allowed_is():
    access = serving.access("127.0.0.1", ["Images.example"], "NO_SUCH_TOKEN")
    assert refused(access, host="images.example:8000") is None
    assert refused(access, host="other.example") == 421


def test_pages_elsewhere_may_not_ask():
    assert refused(origin="http://localhost:8000") is None
    for origin in ("http://localhost:9000", "https://evil.example", "null", "http://[", ""):
        assert refused(origin=origin) == 403
    assert refused(sec_fetch_site="cross-site") == 403
    assert refused(sec_fetch_site="cross-site", public=True) is None  # a link to the page
    assert refused(sec_fetch_site="same-origin") is None


def test_a_token_is_asked_for_where_there_is_one(monkeypatch):
    access = Access(token=TOKEN)
    assert refused(access) == 401
    assert refused(access, public=True) is None
    for given in (TOKEN, "Bearer", "Bearer x", f"Bearer {TOKEN}x", f"bearer {TOKEN}", "Bearer é"):
        assert refused(access, authorization=given) == 401
    assert refused(access, authorization=f"Bearer {TOKEN}") is None
    assert TOKEN not in repr(access)
    monkeypatch.setenv("A_TOKEN", TOKEN)
    assert serving.access("0.0.0.0", (), "A_TOKEN").token == TOKEN
    monkeypatch.setenv("A_TOKEN", " ")
    with pytest.raises(UsageError, match=r"--host 0\.0\.0\.0: others can reach it; set a token"):
        serving.access("0.0.0.0", (), "A_TOKEN")
    monkeypatch.setenv("A_TOKEN", "é")
    with pytest.raises(UsageError, match="expected ASCII"):
        serving.access("127.0.0.1", (), "A_TOKEN")


def test_a_port_that_is_taken_is_a_sentence():
    with serving.listening("127.0.0.1", 0) as listener:
        address = serving.address(listener)
        assert address.startswith("http://127.0.0.1:")
        port = int(address.rsplit(":", 1)[1])
        with pytest.raises(UsageError, match=f"cannot listen at 127.0.0.1, port {port}"):
            serving.listening("127.0.0.1", port)
    with pytest.raises(UsageError, match="cannot listen"):
        serving.listening("no.such.host.invalid", 0)


def answered(path, **headers):
    """The messages of an application that says hello behind the guard."""
    sent = []

    async def hello(_scope, _receive, send):
        own = [(b"content-type", b"text/plain"), (b"cache-control", b"max-age=60")]
        await send({"type": "http.response.start", "status": 200, "headers": own})
        await send({"type": "http.response.body", "body": b"hello"})

    async def send(message):
        sent.append(message)

    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": path, "headers": given}
    app = Guarded(hello, Access(token=TOKEN), ["/open"])
    asyncio.run(app(scope, lambda: None, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_every_answer_has_the_headers():
    for path, host, status in (
        ("/open", "localhost", 200),
        ("/x", "localhost", 401),
        ("/", "x", 421),
    ):
        got, headers, body = answered(path, host=host)
        assert got == status
        assert {
            name.lower().encode(): value.encode() for name, value in HEADERS.items()
        }.items() <= (headers.items())
        assert not [name for name in headers if name.startswith(b"access-control")]
        if status == 200:
            assert headers[b"cache-control"] == b"max-age=60"
        else:
            error = json.loads(body)["error"]
            assert error["code"] in ("invalid_api_key", "unknown_host") and error["message"]
            assert headers[b"cache-control"] == b"no-store"
