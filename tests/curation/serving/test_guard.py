"""Who may ask what: names of loopback, the token, and no request of another site's page."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making.asgi_client import OUR_PAGE, Client

from curation.failures.errors import UsageError
from curation.serving import guard
from curation.serving.guard import Guard

TOKEN = "a token of twenty two c"


async def answered(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"the images"})


LOOPBACK = Guard(answered, "", loopback=True)
OPEN = Guard(answered, TOKEN, loopback=False)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "127.8.9.1", "localhost:1"]
)
def test_names_of_loopback_are_answered(host: str) -> None:
    answer = Client(LOOPBACK, host).get("/")
    assert (answer.status, answer.text) == (200, "the images")
    assert answer.headers["content-security-policy"] == guard.POLICY
    assert "unsafe" not in guard.POLICY and "http" not in guard.POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers


STRANGERS = ["evil.example", "evil.example:8000", "", "localhost.evil.example", "10.0.0.1"]
STRANGERS += ["[::1].evil.example", "127.0.0.1.nip.io", "localhost@evil.example", "[", "::1 evil"]


@pytest.mark.parametrize("host", STRANGERS)
def test_another_name_pointed_here_is_not(host: str) -> None:
    answer = Client(LOOPBACK, host).get("/")
    assert answer.status == 421 and b"the images" not in answer.body
    assert answer.headers["content-security-policy"] == guard.POLICY


def test_only_our_own_pages_change_anything() -> None:
    client = Client(LOOPBACK)
    assert client.post("/marks", {}).status == 200
    assert client.post("/marks", {}, {**OUR_PAGE, "origin": "http://127.0.0.1:8000"}).status == 200
    for headers in (
        {"content-type": "text/plain"},  # what a form of another site can send
        {**OUR_PAGE, "origin": "http://evil.example"},
        {**OUR_PAGE, "origin": "null"},
        {**OUR_PAGE, "sec-fetch-site": "cross-site"},
        {**OUR_PAGE, "sec-fetch-site": "same-site"},
    ):
        assert client.post("/marks", {}, headers).status == 403
    for length in ("", "65537", "-1", "9" * 400, "1e3"):
        sent = {**OUR_PAGE, "content-length": length}
        assert client.ask("POST", "/marks", b"{}", sent).status == 413
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "SOMETHING"):
        assert client.ask(method, "/", b"", {}).status == 405
    assert client.get("/?where=" + "a" * 20_000).status == 414


def test_elsewhere_every_request_bears_the_token() -> None:
    client = Client(OPEN, "images.example")
    assert client.get("/", authorization=f"Bearer {TOKEN}").text == "the images"
    assert (
        client.get("/", cookie=f"other=1; {guard.COOKIE}={TOKEN!r}".replace("'", '"')).status == 200
    )
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer "},
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"cookie": f"{guard.COOKIE}=wrong"},
        {"cookie": "\xff=\xfe;;;="},
        {"authorization": "Bearer \xff"},
    ):
        for link in ("/", "/picture/1/0/small", "/export?as=keys", "/page.js", "/health"):
            answer = client.get(link, **headers)
            assert answer.status == 303 and answer.headers["location"].startswith("/enter?next=%2F")
        assert client.post("/marks", {}, {**OUR_PAGE, **headers}).status == 401
    assert client.get("/enter").status == client.get("/page.css").status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "images.example", "10.0.0.1", ""])
def test_without_a_token_nobody_else_is_listened_to(host: str) -> None:
    with pytest.raises(UsageError, match="expected a token, too, in the environment variable INKS"):
        guard.check(host, "")
    with pytest.raises(UsageError, match="5 characters; expected 16 at least"):
        guard.check(host, "short")
    guard.check(host, TOKEN)
    for own in ("127.0.0.1", "localhost", "::1", "127.3.3.3"):
        guard.check(own, "")


READ = ["host", "origin", "cookie", "authorization", "content-length", "sec-fetch-site"]


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(READ), st.text(max_size=30)))
def test_no_headers_open_the_door_or_break_it(headers: dict[str, str]) -> None:
    sent = {name: of.encode("latin-1", "replace").decode("latin-1") for name, of in headers.items()}
    for door in (OPEN, LOOPBACK):
        for method in ("GET", "POST"):
            answer = Client(door, "evil.example").ask(method, "/", b"", sent)
            assert b"the images" not in answer.body or guard.is_loopback(guard._name(sent["host"]))
