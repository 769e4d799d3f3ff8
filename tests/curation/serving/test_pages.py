"""The pages: what they show, that strangers' words stay words, and what is asked in vain."""

import io
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from making.asgi_client import Client
from making.pages import Page
from making.runs import digests
from PIL import Image

pytest.importorskip("duckdb")
pytest.importorskip("starlette")

from curation import exclusion
from curation.inspect import explain
from curation.inspect.explanation import verdict_said
from curation.networks.serving import Access
from curation.serving import exporting
from curation.serving.application import application
from curation.serving.asked import Asked
from curation.serving.run_rows import Rows
from curation.serving.site import Site
from curation.shard import picks
from curation.shard.picks import Mark, Preference, Recorder

EVIL = "<img src=x onerror=alert(1)>&\"'.jpg"
NumberOf = Callable[[str], int]


def page(client: Client, link: str) -> Page:
    answer = client.get(link)
    assert answer.status == 200, answer.text
    made = Page(answer.text.replace("<!doctype html>", ""))
    for tag, attributes in made.tags:
        assert tag not in {"iframe", "object", "embed", "base", "use", "style"}
        for name, value in attributes.items():
            assert not name.startswith("on") and name not in {"style", "srcdoc", "formaction"}
            if name in ("src", "href", "action"):
                assert str(value).startswith(("/", "#")) and not str(value).startswith("//")
    return made


def test_the_grid_counts_and_shows(client: Client, rows: Rows) -> None:
    shown = page(client, "/?show=24")
    text, counts = shown.all_text(), rows.run["counts"]
    assert f"{len(rows)} images" in text and f"{counts['kept']} kept" in text
    stopped = [
        (stage, rule, number)
        for stage, of in counts["stages"].items()
        for rule, number in of["dropped"].items()
        if number
    ]
    assert {"s1", "s5"} <= {stage for stage, _, _ in stopped}
    for stage, rule, number in stopped:  # a row that is kept was stopped after all that it passed
        assert f"{'kept, not' if stage == 's5' else 'dropped'} {stage} {rule} {number}" in text
    assert len(shown.images()) == 24 and "1 to 24 of" in text
    rest = page(client, "/?show=24&page=2")
    assert not set(shown.images()) & set(rest.images())
    assert len(rest.images()) == len(rows) - 24
    assert "No such page" in page(client, "/?page=999999999").all_text()


def test_conditions_narrow_and_order(client: Client, number_of: NumberOf) -> None:
    shown = page(client, "/?where=short_side+%3D+64&order=key+DESC")
    keys = [f"{number:04}-small.jpg" for number in (11, 6, 1)]
    assert shown.images() == [f"/picture/{number_of(key)}/0/small" for key in keys]
    assert "short_side 64 < 100" in shown.all_text()
    wrong = client.get("/?where=shortside+%3D+64")
    assert wrong.status == 400 and "did you mean &#39;short_side&#39;" in wrong.text


def test_strangers_words_stay_words(client: Client, number_of: NumberOf) -> None:
    for link in (f"/image/{number_of(EVIL)}", "/", f"/?near={number_of(EVIL)}", "/pair",
                 f"/?where={quote('<script>')}", f"/?text={quote(EVIL)}&by=phash"):  # fmt: skip
        content = client.get(link).text
        assert "<img src=x" not in content and "<script>" not in content
    assert EVIL in "".join(data for _, data in page(client, f"/image/{number_of(EVIL)}").texts)


@pytest.mark.parametrize("key", ["0001-small.jpg", "0000.jpg", "0000-cut.jpg", "0001-exact.jpg"])
def test_details_are_those_of_beam_explain(
    key: str, client: Client, rows: Rows, number_of: NumberOf
) -> None:
    (explanation,) = explain.explain(rows.output, key)
    text = page(client, f"/image/{number_of(key)}").all_text()
    assert verdict_said(explanation) in text and str(explanation.id or "not readable") in text
    for check in explanation.checks:
        assert f"{check.outcome} {check.rule}" in text
    for caption in explanation.captions:
        assert caption.said in text and caption.end in text
    if explanation.representative:
        assert f"duplicate of {explanation.representative.key}" in text


def test_images_are_decoded_or_say_why_not(client: Client, number_of: NumberOf) -> None:
    small = client.get(f"/picture/{number_of('0000.jpg')}/0/small")
    assert small.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(small.body)).size == (288, 288)
    for key, why in (
        ("0000-cut.jpg", "truncated"),
        ("0002-page.jpg", "html"),
        ("0004-empty.png", ""),
    ):
        missing = client.get(f"/picture/{number_of(key)}/0/large")
        assert missing.headers["content-type"] == "image/svg+xml" and why in missing.text
        assert missing.headers["content-security-policy"].startswith("default-src 'none'")
    assert "no such input" in client.get(f"/picture/{number_of('0000.jpg')}/1/small").text
    for link in ("/picture/999/0/small", "/picture/0/9/small", "/picture/0/0/huge", "/image/999"):
        assert client.get(link).status == 404 and "xpected" in client.get(link).text
    for link in ("/picture/..%2f..%2fetc%2fpasswd/0/small", "/picture/-1/0/small", "/etc/passwd"):
        assert client.get(link).status == 404


def test_where_the_original_is_gone_a_kept_row_is_in_a_shard(
    made: Path, tmp_path: Path, number_of: NumberOf, site: Site
) -> None:
    originals = made / "in"
    moved = tmp_path / "moved"
    shutil.move(originals, moved)
    try:
        client = Client(application(Site(site.rows, site.recorder), Access()))
        kept = client.get(f"/picture/{number_of('0000.jpg')}/0/small")
        assert kept.headers["content-type"] == "image/webp"
        gone = client.get(f"/picture/{number_of('0001-small.jpg')}/0/small")
        assert "missing" in gone.text and gone.headers["content-type"] == "image/svg+xml"
        assert "0000.jpg" in page(client, "/").all_text()
        originals.mkdir()
        (originals / "0000.jpg").write_bytes((moved / "0003.jpg").read_bytes())
        client = Client(application(Site(site.rows, site.recorder), Access()))
        assert client.get(f"/picture/{number_of('0000.jpg')}/0/small").body == kept.body
        shutil.rmtree(originals)
    finally:
        shutil.move(moved, originals)


def test_what_people_say_is_kept_and_asked_for(
    client: Client, site: Site, number_of: NumberOf, made: Path
) -> None:
    before = digests(made / "out")
    first, second = number_of("0000.jpg"), number_of("0003.jpg")
    assert client.post("/marks", {"number": first, "pick": "keep"}).content == {
        "pick": "keep",
        "rating": None,
    }
    client.post("/marks", {"number": first, "rating": 4})
    client.post("/marks", {"number": second, "pick": "reject"})
    client.post("/pairs", {"first": first, "second": second, "best": second})
    said = picks.read(site.recorder.path)
    ids = [site.named(number)[0] or "" for number in (first, second)]
    assert said.marks == {ids[0]: Mark("keep", 4), ids[1]: Mark("reject", None)}
    assert said.preferences == [Preference(ids[1], ids[0])]
    assert site.selection(Asked(where="rating >= 4 OR pick = 'keep'")).numbers.tolist() == [first]
    assert page(client, "/?where=pick+%3D+%27reject%27").images() == [f"/picture/{second}/0/small"]
    assert client.post("/marks", {"number": first, "pick": None}).content["pick"] is None
    assert len(site.selection(Asked(where="pick = 'keep'")).numbers) == 0
    assert digests(made / "out") == before  # nothing of the run is ever written


@pytest.mark.parametrize(
    ("link", "content"),
    [
        *(
            ("/marks", of)
            for of in (b"", b"{", b"[]", b"[" * 9000, {"number": "0"}, {"pick": "keep"})
        ),
        *(("/marks", {"number": 0, "pick": of}) for of in ("maybe", 1, ["keep"])),
        *(("/marks", {"number": 0, "rating": of}) for of in (0, 6, 2.5, True, "5")),
        *(("/marks", {"number": of, "rating": 1}) for of in (-1, 10**9, True, 1.0)),
        *(("/pairs", {"first": 0, "second": of, "best": 0}) for of in (0, 10**9, None)),
        ("/pairs", {"first": 0, "second": 9, "best": 4}),
    ],
)
def test_what_is_not_understood_is_not_kept(
    link: str, content: object, client: Client, site: Site
) -> None:
    answer = client.post(link, content)
    assert answer.status == 400 and answer.content["error"]
    assert site.recorder.path.read_bytes() == b""


def test_of_tabs_that_say_at_once_nothing_is_lost(client: Client, site: Site) -> None:
    readable = [n for n in range(len(site.rows)) if site.named(n)[0]]

    def tab(number: int) -> None:
        for place, row in enumerate(readable):
            said = {"pick": "keep"} if (place + number) % 2 else {"rating": number + 1}
            assert client.post("/marks", {"number": row, **said}).status == 200

    with ThreadPoolExecutor(4) as tabs:
        list(tabs.map(tab, range(4)))
    lines = [json.loads(line) for line in site.recorder.path.read_text().splitlines()]
    assert len(lines) == 4 * len(readable)
    assert picks.read(site.recorder.path).marks == site.recorder.said.marks
    assert {of.pick for of in site.recorder.said.marks.values()} == {"keep"}


def test_a_row_that_could_not_be_read_has_no_name_to_keep_a_pick_by(
    client: Client, number_of: NumberOf, site: Site
) -> None:
    answer = client.post("/marks", {"number": number_of("0004-empty.png"), "pick": "keep"})
    identity = site.named(number_of("0004-empty.png"))[0]
    assert answer.status == (400 if identity is None else 200)


def test_the_selection_is_exported(client: Client, rows: Rows, tmp_path: Path) -> None:
    where = "?where=verdict+%3D+%27dropped%27&order=key"
    listed = client.get(f"/export{where}&as=keys")
    (tmp_path / "keys.txt").write_bytes(listed.body)
    names = exclusion.read(str(tmp_path / "keys.txt"))
    verdicts = dict(
        zip(rows.column("key").to_pylist(), rows.column("verdict").to_pylist(), strict=True)
    )
    assert names == sorted(key for key, verdict in verdicts.items() if verdict == "dropped")
    assert listed.headers["content-disposition"] == 'attachment; filename="selection.txt"'
    table = client.get(f"/export{where}&as=csv").text.splitlines()
    assert table[0] == "key,id,verdict,stage,rule,value,bound,reason,pick,rating"
    assert len(table) == len(names) + 1 and table[1].startswith(names[0])
    ids = client.get(f"/export{where}&as=ids").text.split()
    assert len(ids) == len(names) and {len(of) for of in ids} == {32}
    assert client.get("/export?as=exe").status == 400


@pytest.mark.parametrize("key", ["a\nb", "a\rb", "", " ", "a\x85b", "a\u2028b", "a\ufffd", None])
def test_a_key_that_no_list_can_hold_is_told_apart(key: str | None) -> None:
    assert not exporting.is_line(key)
    assert exporting.is_line("a b.jpg") and exporting.is_line(" 图.jpg")


def test_other_pages(client: Client) -> None:
    assert "s2: clarity ≥" in page(client, "/bounds").all_text()
    assert "entropy" in page(client, "/columns").all_text()
    assert "Pair 1 of" in page(client, "/pair").all_text()
    assert "No further pair" in page(client, "/pair?where=number+%3D+1").all_text()
    assert client.get("/health").text == "ok\n"
    assert client.ask("HEAD", "/image/999", b"", {}).status == 404
    script = client.get("/page.js").text
    for never in ("innerHTML", "eval(", "document.write", "http:"):
        assert never not in script


def test_a_run_that_was_made_again_is_told(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "out", tmp_path / "out")
    recorder = Recorder(tmp_path / "p.jsonl")
    client = Client(application(Site(Rows(str(tmp_path / "out")), recorder), Access()))
    assert client.get("/").status == 200
    run = tmp_path / "out" / "run.json"
    run.write_text(json.dumps(json.loads(run.read_text())))
    answer = client.get("/?where=true")
    assert answer.status == 503 and "end beam serve and start it again" in answer.text
    shutil.rmtree(tmp_path / "out")
    for link in ("/", "/judge", "/bounds", "/image/0", "/export", "/health", "/pair"):
        assert client.get(link).status == 503
    assert client.post("/marks", {"number": 0, "rating": 4}).status == 503
    assert client.post("/pairs", {"first": 0, "second": 1, "best": 0}).status == 503
    assert not recorder.said.marks and not recorder.said.preferred
    assert client.get("/metrics").status == client.get("/columns").status == 200
    assert "image/svg" in client.get("/picture/0/0/small").headers["content-type"]


def test_it_counts_for_prometheus(client: Client) -> None:
    client.get("/image/0?where=clarity+%3E")
    client.get("/image/777")
    client.get("/../etc/passwd")
    client.get("/judge")
    client.post("/marks", {"number": 1, "rating": 4})
    lines = client.get("/metrics").text.splitlines()
    for path, code in (("/image", 400), ("/image", 404), ("other", 404), ("/marks", 200)):
        assert f'curation_server_requests_total{{code="{code}",path="{path}"}} 1.0' in lines
    assert "curation_server_said_total 1.0" in lines
    assert "curation_server_judge_seconds_count 1.0" in lines


def test_a_file_that_is_damaged_meanwhile_is_a_sentence(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "out", tmp_path / "out")
    recorder = Recorder(tmp_path / "p.jsonl")
    client = Client(application(Site(Rows(str(tmp_path / "out")), recorder), Access()))
    for path in (tmp_path / "out" / "signals").glob("base-*/*.parquet"):
        path.write_bytes(path.read_bytes()[:-300])
    answer = client.get("/?where=entropy+%3E+0")
    assert answer.status == 500 and "--verify writes it again" in answer.text
    assert client.get("/health").status == 200


def test_the_token_is_asked_for_and_a_cookie_given(site: Site) -> None:
    token = "sixteen letters at least"
    client = Client(
        application(site, Access(frozenset(["images.example"]), token)), "images.example"
    )
    asked = client.get("/?order=key")
    assert asked.headers["location"] == "/enter?next=%2F%3Forder%3Dkey"
    assert 'value="/?order=key"' in client.get(asked.headers["location"]).text
    form = {"content-type": "application/x-www-form-urlencoded"}
    wrong = client.post("/enter", b"token=wrong&next=/", form)
    assert wrong.status == 401 and "set-cookie" not in wrong.headers
    right = client.post("/enter", f"token={quote(token)}&next=//evil.example".encode(), form)
    assert (right.status, right.headers["location"]) == (303, "/")
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower()
    assert client.get("/", cookie=cookie.split(";")[0]).status == 200


NAMES = ("where", "order", "moved", "would", "near", "text", "by", "page", "show", "plain", "as")
ODD = st.one_of(
    st.text(max_size=12),
    st.integers(-(10**12), 10**12).map(str),
    st.just("1"),
    st.just("s1.format.in:P%|,"),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["/", "/judge", "/pair", "/export", "/image/3"]),
    st.dictionaries(st.sampled_from(NAMES), ODD, max_size=4),
)
def test_no_link_breaks_the_server(client: Client, path: str, given_: dict[str, str]) -> None:
    query = "&".join(f"{name}={quote(of, errors='replace')}" for name, of in given_.items())
    answer = client.get(f"{path}?{query}")
    assert answer.status in (200, 400, 404), answer.text
