"""The door of ``beam serve``: the token as a cookie, and no change asked by another site's page."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making.asgi_client import OUR_PAGE, Client

from curation.networks.serving import Access
from curation.serving import guard
from curation.serving.guard import Door

TOKEN = "a token of twenty two c"


async def answered(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"the images"})


LOOPBACK = Door(answered, Access())
CLOSED = Door(answered, Access(frozenset(["images.example"]), TOKEN))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "localhost:1"])
def test_names_of_loopback_are_answered(host: str) -> None:
    answer = Client(LOOPBACK, host).get("/")
    assert (answer.status, answer.text) == (200, "the images")
    assert answer.headers["content-security-policy"] == guard.POLICY
    assert "unsafe" not in guard.POLICY and "http" not in guard.POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers


STRANGERS = [
    "evil.example",
    "evil.example:8000",
    "",
    "localhost.evil.example",
    "[::1].evil.example",
]
STRANGERS += ["127.0.0.1.nip.io", "[", "::1 evil"]


@pytest.mark.parametrize("host", STRANGERS)
def test_another_name_pointed_here_is_not(host: str) -> None:
    for door in (LOOPBACK, CLOSED):
        for link in ("/", guard.ENTER):
            answer = Client(door, host).get(link)
            assert answer.status == 421 and b"the images" not in answer.body


def test_only_our_own_pages_change_anything() -> None:
    client = Client(LOOPBACK)
    assert client.post("/marks", {}).status == 200
    assert client.post("/marks", {}, {**OUR_PAGE, "origin": "http://127.0.0.1:8000"}).status == 200
    for headers in (
        {"content-type": "text/plain"},  # what a form of another site can send
        {**OUR_PAGE, "origin": "http://evil.example"},
        {**OUR_PAGE, "origin": "null"},
        {**OUR_PAGE, "sec-fetch-site": "cross-site"},
        {**OUR_PAGE, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {**OUR_PAGE, "sec-fetch-site": "same-site"},
    ):
        assert client.post("/marks", {}, headers).status == 403
    for length in ("", "65537", "-1", "9" * 400, "1e3"):
        sent = {**OUR_PAGE, "content-length": length}
        assert client.ask("POST", "/marks", b"{}", sent).status == 413
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "SOMETHING"):
        assert client.ask(method, "/", b"", {}).status == 405
    assert client.get("/?where=" + "a" * 20_000).status == 414


def test_a_link_from_elsewhere_may_be_followed_but_nothing_taken() -> None:
    client = Client(LOOPBACK)
    follow = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.ask("GET", "/?where=true", b"", follow).status == 200
    for mode in ("no-cors", "cors", "same-origin"):
        taken = {"sec-fetch-site": "cross-site", "sec-fetch-mode": mode}
        assert client.ask("GET", "/picture/0/0/small", b"", taken).status == 403


def test_every_request_bears_the_token() -> None:
    client = Client(CLOSED, "images.example")
    assert client.get("/", authorization=f"Bearer {TOKEN}").text == "the images"
    assert client.get("/", cookie=f'other=1; {guard.COOKIE}="{TOKEN}"').status == 200
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
        for link in ("/", "/picture/1/0/small", "/export?as=keys", "/page.js", "/metrics"):
            answer = client.get(link, **headers)
            assert answer.status == 303 and answer.headers["location"].startswith("/enter?next=%2F")
        assert client.post("/marks", {}, {**OUR_PAGE, **headers}).status == 401
    for link in guard.OPEN:
        assert client.get(link).status == 200


READ = ["host", "origin", "cookie", "authorization", "content-length", "sec-fetch-site"]


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from([*READ, "sec-fetch-mode"]), st.text(max_size=30)))
def test_no_headers_open_the_door_or_break_it(headers: dict[str, str]) -> None:
    sent = {name: of.encode("latin-1", "replace").decode("latin-1") for name, of in headers.items()}
    for method in ("GET", "POST"):
        answer = Client(CLOSED, "images.example").ask(method, "/", b"", sent)
        assert b"the images" not in answer.body
