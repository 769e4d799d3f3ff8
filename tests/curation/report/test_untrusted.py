"""The report of a run whose keys, captions and run.json a stranger wrote stays inert."""

import json
import re
import shutil
from pathlib import Path

import pytest
from making import finished_run
from making.finished_run import FinishedRun
from making.pages import Page, assert_inert

from curation.output.layout import Layout
from curation.report import write_report

UNTRUSTED = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</title></style><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% include 'style.html' %}",
    "a\u202egpj.exe\u2066\u200f",
    "bell\x07 escape\x1b[31m nul\x00",
    "https://example.invalid/track.gif",
    "url(https://example.invalid/)",
)


@pytest.fixture(scope="module")
def untrusted(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A run in which keys, captions, details and run.json are all an attack."""

    def text_of(row: int) -> str:
        return UNTRUSTED[row % len(UNTRUSTED)] if row != 17 else "<b>" + "x" * 1_000_000

    def key_of(row: int, key: str) -> str | bytes:
        broken = {28: b"lone \xed\xa0\x80 surrogate", 51: b"no UTF-8 \xff"}
        return broken.get(row, f"{row} {text_of(row)}")

    finished = finished_run.build(
        tmp_path_factory.mktemp("untrusted"),
        rows=120,
        rename=key_of,
        detail=text_of,
        caption=lambda row: text_of(row).encode(),
    )
    path = Path(Layout(finished.output).run)
    run = json.loads(path.read_text())
    for number, bad in enumerate((*UNTRUSTED, "\ud800", "y" * 1_000_000)):
        run["configuration"][bad] = [bad, {bad: bad}]
        run["versions"][bad] = bad
        run["steps"][f"{number} {bad}"] = run["steps"]["measure"]
        run["inputs"].append(bad)
    run["pipeline"] = run["seed"] = run["configuration"]["keep"] = UNTRUSTED[1]
    path.write_text(json.dumps(run))
    return finished


def test_untrusted_data_does_nothing(untrusted: FinishedRun) -> None:
    content = Path(write_report(untrusted.output)).read_bytes()
    page = Page(content.decode())
    assert page.open == []
    assert_inert(page)
    assert len(content) < 2_000_000
    forbidden = "[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
    assert not re.search(forbidden, content.decode())
    text = page.all_text()
    assert "<script>alert(1)</script>" in text  # shown as it stands, as text
    assert "{{ 7 * 7 }}" in text
    assert "lone \ufffd surrogate" in text
    assert "no UTF-8 \ufffd" in text
    longest = max(len(data) for tag, data in page.texts if tag not in ("style", "pre", "script"))
    assert longest < 1000


def test_untrusted_data_leaves_the_page_as_many_tags_as_harmless_data(
    untrusted: FinishedRun, tmp_path: Path
) -> None:
    harmless = finished_run.build(tmp_path, rows=120)
    shutil.copyfile(Layout(untrusted.output).run, Layout(harmless.output).run)

    def tags(finished: FinishedRun) -> list[str]:
        page = Page(Path(write_report(finished.output)).read_text())
        return sorted(tag for tag, _ in page.tags if tag not in ("bdi", "li", "img", "span"))

    assert tags(untrusted) == tags(harmless)
