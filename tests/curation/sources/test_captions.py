"""Captions beside pictures, as text and as JSON, are kept bit by bit."""

import json
from pathlib import Path

import pytest
from making.folders import by_key, put, read_all

from curation import sources
from curation.sources import Caption, files, plan


def test_text_and_json_beside_one_picture_are_one_caption_when_they_agree(tmp_path: Path) -> None:
    said = {"caption": "a cat", "LANGUAGE": "en", "url": "https://example.com/a.jpg"}
    root = put(
        tmp_path / "in",
        {
            "a.jpg": b"A",
            "a.txt": "a cat\n",
            "a.json": json.dumps(said),
            "c.jpg": b"C",
            "c.txt": "a dog",
            "c.json": json.dumps({"caption": " a dog\n"}),
            "b.jpg": b"B",
            "b.txt": "",
            "b.json": json.dumps({"captions": ["one", {"text": "二", "language": "zh"}]}),
        },
    )
    found = by_key(root)
    assert found["a.jpg"].caption_raw == (Caption("a cat\n", "en"),)
    assert found["a.jpg"].source == "https://example.com/a.jpg"
    assert found["c.jpg"].caption_raw == (Caption("a dog"),)
    assert found["b.jpg"].caption_raw == (Caption(""), Caption("one"), Caption("二", "zh"))


def test_every_level_of_caption_and_the_boxes_are_read_from_json(tmp_path: Path) -> None:
    said = {
        "caption_raw": [{"text": "r", "language": "en"}, {"text": "r", "language": "fr"}],
        "caption_recaption": "c",
        "caption_fused": {"text": "f", "language": "en"},
        "text_boxes": [
            {"text": "a", "quad": [0, 1, 2, 3.5], "level": "line"},
            {"text": "no quad"},
            {"text": "b", "quad": [True]},
            "nonsense",
        ],
        "source": "drawn",
        "licence": "CC0",
        "synthetic": True,
    }
    root = put(tmp_path / "in", {"a.png": b"A", "a.json": json.dumps(said)})
    (sample,) = read_all(root)
    assert sample.caption_raw == (Caption("r", "en"), Caption("r", "fr"))
    assert sample.caption_recaption == (Caption("c"),)
    assert sample.caption_fused == (Caption("f", "en"),)
    assert sample.text_boxes == [{"text": "a", "quad": [0.0, 1.0, 2.0, 3.5], "level": "line"}]
    assert (sample.source, sample.licence, sample.synthetic) == ("drawn", "CC0", True)


LONG = "龍🐉\x00\x07<script>alert(1)</script>&amp;\u202e" * 40_000


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "", ""),
        ("a.txt", LONG, LONG),
        ("a.txt", "\ufeffkept", "\ufeffkept"),
        ("a.txt", "1\r2\n3\r\n4\u2028\x85 ", "1\r2\n3\r\n4\u2028\x85 "),
        ("a.txt", b"caf\xe9 \xff\xfe", "caf\ufffd \ufffd\ufffd"),
        ("a.txt", b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (
            "a.json",
            '{"caption": "\\ud800 lone, \\ud83d\\ude00 pair"}',
            "\ufffd lone, \U0001f600 pair",
        ),
        ("a.json", '\ufeff{"text": "after a mark \\u0000"}', "after a mark \x00"),
        ("a.json", '"only a string"', "only a string"),
        ("a.json", json.dumps({"caption": LONG}), LONG),
    ],
)
def test_captions_are_kept_bit_by_bit(
    tmp_path: Path, name: str, content: bytes | str, expected: str
) -> None:
    root = put(tmp_path / "in", {"a.jpg": b"A", name: content})
    (sample,) = read_all(root)
    assert sample.caption_raw == (Caption(expected),)
    expected.encode()  # what Arrow needs


@pytest.mark.parametrize(
    "content",
    [
        *("3", "null", '{"caption": 5, "url": null}', '{"text_boxes": 1}'),
        '{"caption": {"text": 1}}',
    ],
)
def test_json_that_says_nothing_costs_no_picture(tmp_path: Path, content: bytes | str) -> None:
    root = put(tmp_path / "in", {"a.jpg": b"A", "a.json": content})
    (sample,) = read_all(root)
    assert (sample.data, sample.error, sample.caption_raw) == (b"A", None, None)
    assert sample.problem is None


def test_every_usual_name_of_a_side_file_is_read_in_its_order(tmp_path: Path) -> None:
    """Text before JSON, and the file that bears the picture's whole name before the other."""
    said = {
        "a.png.txt": "1",
        "a.txt": "2",
        "a.png.caption": "3",
        "a.caption": "4",
        "a.png.json": json.dumps({"caption": "5"}),
        "a.json": json.dumps({"caption": "6"}),
    }
    root = put(tmp_path / "in", {"a.png": b"A", "a.jpg": b"J", **dict(reversed(said.items()))})
    found = by_key(root)
    assert list(found) == ["a.jpg", "a.png"]
    texts = {key: [c.text for c in sample.caption_raw or ()] for key, sample in found.items()}
    assert texts == {"a.png": ["1", "2", "3", "4", "5", "6"], "a.jpg": ["2", "4", "6"]}


def test_a_side_file_in_capitals_is_read(tmp_path: Path) -> None:
    root = put(tmp_path / "in", {"a.JPG": b"A", "a.JPG.Caption": "c"})
    assert by_key(root)["a.JPG"].caption_raw == (Caption("c"),)


@pytest.mark.parametrize("content", ["{", "[" * 100_000, b"\xff", '{"a": ' + "9" * 5000 + "}"])
def test_a_side_file_that_is_no_json_is_named_and_the_picture_kept(
    tmp_path: Path, content: bytes | str
) -> None:
    files = {"a.jpg": b"A", "a.json": content, "a.txt": "said", "b.jpg": b"B", "b.json": "{}"}
    found = by_key(put(tmp_path / "in", files))
    assert (found["a.jpg"].data, found["a.jpg"].error) == (b"A", None)
    assert found["a.jpg"].caption_raw == (Caption("said"),)
    assert str(found["a.jpg"].problem).startswith("a.json: not JSON: ")
    assert found["b.jpg"].problem is None


@pytest.mark.parametrize("name", ["a.txt", "a.caption", "a.json", "a.instruction.txt"])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_a_side_file_in_another_encoding_is_named(tmp_path: Path, name: str, encoding: str) -> None:
    """Its caption was kept as a row of replacement characters, and nobody was told."""
    said = '{"caption": "窗台上的黑猫"}' if name == "a.json" else "窗台上的黑猫"
    files = {"a.jpg": b"A", "a.input.jpg": b"B", name: said.encode(encoding)}
    problem = by_key(put(tmp_path / encoding, files))["a.jpg"].problem
    assert problem is not None and problem.startswith(f"{name}: ") and "not " in problem
    assert by_key(put(tmp_path / "utf-8", files | {name: said}))["a.jpg"].problem is None


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "list.jsonl"])
def test_captions_of_a_list_in_another_encoding_are_named(tmp_path: Path, name: str) -> None:
    """As a spreadsheet saves them. A file's name in another encoding is none of a caption."""
    row = {"file_name": "a.jpg", "caption": "窗台上的黑猫"}
    lines = [json.dumps(row, ensure_ascii=False)]
    if name.endswith("csv"):
        lines = [",".join(row), ",".join(row.values())]
    files = {"a.jpg": b"A", name: "\n".join(lines).encode("gb18030")}
    problem = by_key(put(tmp_path / "other", files))["a.jpg"].problem
    assert problem is not None and "not UTF-8" in problem
    assert (
        by_key(put(tmp_path / "utf-8", files | {name: "\n".join(lines)}))["a.jpg"].problem is None
    )


def test_a_side_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_SIDECAR", 3)
    root = put(tmp_path / "in", {"a.jpg": b"A", "a.txt": "long", "b.jpg": b"B", "b.txt": "b"})
    (unit,) = plan.plan([root])
    (tmp_path / "in" / "b.txt").unlink()
    problems = [sample.problem for sample in sources.read(unit)]
    assert problems == ["a.txt: 4 bytes, at most 3 are read", "b.txt: no such file"]
