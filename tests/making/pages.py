"""An HTML page taken apart, and whether anything in it is active."""

import base64
import hashlib
import re
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "input", "link"}


class Page(HTMLParser):
    """Every tag with its attributes, all text, and whether tags close in order."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))

    def all_text(self) -> str:
        return " ".join(
            " ".join(data for tag, data in self.texts if tag not in ("style", "script")).split()
        )

    def images(self) -> list[str]:
        return [str(attributes["src"]) for tag, attributes in self.tags if tag == "img"]


def assert_inert(page: Page) -> None:
    """Nothing runs but what the policy names by its hash, nothing is loaded, nothing leads out."""
    assert_scripts_are_named(page)
    for tag, attributes in page.tags:
        assert tag not in {"iframe", "object", "embed", "link", "base", "form", "use"}
        assert tag not in {"foreignobject", "video", "audio", "source", "animate", "set"}
        assert tag != "input" or attributes["type"] == "range"
        assert tag != "script" or not attributes
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in {"srcset", "action", "formaction", "xlink:href", "srcdoc", "ping"}
            if name == "href":
                assert re.fullmatch(r"#[a-z]+(-\d+)?", str(value)), value
            if name == "src":
                assert re.fullmatch(r"data:image/webp;base64,[A-Za-z0-9+/=]+", str(value))
            if name == "style":
                assert re.fullmatch(r"[a-z:;0-9.%()-]+", str(value)), value
            if name == "id":
                assert re.fullmatch(r"[a-z]+(-\d+)?", str(value)), value


def assert_scripts_are_named(page: Page) -> None:
    """The content security policy names every script by its SHA-256, and allows no other."""
    policies = [str(of["content"]) for _, of in page.tags if "http-equiv" in of]
    allowed = re.findall(r"script-src ([^;]*)", " ".join(policies))
    scripts = [data for tag, data in page.texts if tag == "script"]
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    named = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    assert allowed == named[: len(allowed)] and len(allowed) == len(scripts) <= 1
