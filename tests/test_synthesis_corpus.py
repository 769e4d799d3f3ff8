"""Corpora: ours, and the user's with their mistakes named by file and line."""

from pathlib import Path

import pytest

from synthesis import corpus
from synthesis.problems import UsageError


def write(tmp_path: Path, name: str, content: str | bytes) -> str:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def texts(path: str) -> list[str]:
    return [one.text for one in corpus.load("en", path).paragraphs]


def test_plain_text_is_a_paragraph_a_line(tmp_path: Path) -> None:
    content = "\ufeffOne\t two \r\n\r\nThree\u2028four\nOne two\n"
    assert texts(write(tmp_path, "c.txt", content)) == ["One two", "Three\u2028four"]


def test_json_lines_keep_their_own_line_breaks(tmp_path: Path) -> None:
    content = '{"text": "a\\nb  c", "other": 1}\n\n{"text": "e\u0301"}\n'
    assert texts(write(tmp_path, "c.jsonl", content)) == ["a\nb c", "é"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.jsonl", '{"text": "a"}\n{"text": 3}\n', r'c\.jsonl:2: expected .* string "text"'),
        ("c.jsonl", '{"text": "a"}\n\nnonsense\n', r"c\.jsonl:3: not JSON"),
        ("c.jsonl", "[" * 100_000, r"c\.jsonl:1: not JSON"),
        ("c.txt", b"abc\xff", r"c\.txt: not UTF-8 \(byte 3\)"),
        ("c.txt", " \n\n", "no text in it"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        corpus.load("en", write(tmp_path, name, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.txt: no such file"):
        corpus.load("en", str(tmp_path / "none.txt"))
    with pytest.raises(UsageError, match="a folder"):
        corpus.load("en", str(tmp_path))
