"""JSONL manifests: every line is a row or says why it is none."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from curation import sources
from curation.sources import Caption, Sample, SourceError, plan


def put(folder: Path, **contents: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / f"{name}.jpg").write_bytes(data)


def manifest(path: Path, *lines: dict[str, Any] | str | bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = [json.dumps(line) if isinstance(line, dict) else line for line in lines]
    path.write_bytes(
        b"\n".join(line if isinstance(line, bytes) else line.encode() for line in encoded) + b"\n"
    )
    return str(path)


def read_all(*inputs: str) -> list[Sample]:
    samples = [sample for unit in plan.plan(inputs) for sample in sources.read(unit)]
    assert len({sample.uri for sample in samples}) == len(samples)
    assert all((sample.data is None) == (sample.error is not None) for sample in samples)
    return samples


def test_lines_name_pictures_below_the_manifest_and_where_allowed_anywhere(tmp_path: Path) -> None:
    put(tmp_path / "in" / "pictures", a=b"A", b=b"B")
    put(tmp_path / "elsewhere", c=b"C", d=b"D")
    path = manifest(
        tmp_path / "in" / "m.jsonl",
        {"path": "pictures/a.jpg", "caption": "a\u0000 cat", "language": "en", "licence": "CC0"},
        {"image": "pictures/./b.jpg", "key": "the key", "text": "", "source": "camera"},
        {
            "path": str(tmp_path / "elsewhere" / "c.jpg"),
            "captions": ["one", {"text": "二", "language": "zh"}],
            "license": "MIT",
        },
        {"file_name": "../elsewhere/d.jpg", "caption_recaption": "long", "synthetic": True},
    )
    samples = [
        sample for unit in plan.plan([path], allow_outside=True) for sample in sources.read(unit)
    ]
    found = {sample.path: sample for sample in samples}
    keys = {sample.path: sample.key for sample in samples}
    assert (keys["a.jpg"], keys["b.jpg"]) == ("pictures/a.jpg", "the key")
    assert re.fullmatch("[0-9a-f]{16}/c.jpg", keys["c.jpg"])  # no key tells where on a machine
    assert re.fullmatch("[0-9a-f]{16}/d.jpg", keys["d.jpg"])
    assert keys["c.jpg"][:16] != keys["d.jpg"][:16]
    assert found["a.jpg"] == Sample(
        uri=str(tmp_path / "in" / "pictures" / "a.jpg"),
        key="pictures/a.jpg",
        data=b"A",
        error=None,
        path="a.jpg",
        caption_raw=(Caption("a\x00 cat", "en"),),
        licence="CC0",
    )
    assert found["b.jpg"].data == b"B"
    assert found["b.jpg"].caption_raw == (Caption(""),)
    assert found["b.jpg"].source == "camera"
    third = found["c.jpg"]
    assert third.caption_raw == (Caption("one"), Caption("二", "zh"))
    assert third.licence == "MIT"
    assert found["d.jpg"].data == b"D"
    assert found["d.jpg"].caption_recaption == (Caption("long"),)
    assert found["d.jpg"].synthetic


@pytest.mark.parametrize(
    "line",
    [
        *("{", "[1]", '"a.jpg"', "null", "{}", '{"path": 5}', '{"path": ""}', '{"path": null}'),
        *('{"caption": "no path"}', "[" * 100_000, b"\xff\xfe\x00", '{"path": "a.jpg"'),
    ],
)
def test_a_malformed_line_is_a_sample_that_names_it(tmp_path: Path, line: str | bytes) -> None:
    put(tmp_path, a=b"A", b=b"B")
    path = manifest(tmp_path / "m.jsonl", {"path": "a.jpg"}, "", line, {"path": "b.jpg"})
    samples = read_all(path)
    assert [sample.data for sample in samples] == [b"A", b"B", None]
    bad = samples[-1]
    assert (bad.uri, bad.key) == (f"{path}#3", "m.jsonl#3")
    assert str(bad.error).startswith("unreadable: m.jsonl line 3: ")


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("absent.jpg", "missing: no such file"),
        ("folder", "unreadable: not a regular file"),
        ("/dev/zero", "outside: "),
        ("a.jpg/b.jpg", "unreadable: "),
        ("nul\x00byte.jpg", "unreadable: "),
        ("lone\ud800surrogate.jpg", "unreadable: "),
        ("x" * 5000, "unreadable: "),
        ("https://example.com/a.jpg", "unreadable: no way to this filesystem"),
        ("ftp://example.com/a.jpg", "unreadable: no way to this filesystem"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_sample_with_the_reason(
    tmp_path: Path, written: str, reason: str
) -> None:
    put(tmp_path, a=b"A")
    (tmp_path / "folder").mkdir()
    path = manifest(tmp_path / "m.jsonl", {"path": "a.jpg"}, {"path": written, "caption": "kept"})
    samples = read_all(path)
    assert sorted(str(sample.data) for sample in samples) == ["None", "b'A'"]
    (bad,) = [sample for sample in samples if sample.error]
    assert str(bad.error).startswith(reason)
    assert bad.caption_raw == (Caption("kept"),)
    for text in (bad.uri, bad.key, bad.path, str(bad.error)):
        text.encode()


def test_keys_are_kept_whatever_they_are(tmp_path: Path) -> None:
    put(tmp_path, a=b"A", b=b"B", c=b"C")
    keys = [" <b>\u202e\x07 ", 12, ""]
    lines = [{"path": f"{n}.jpg", "key": key} for n, key in zip("abc", keys, strict=True)]
    samples = read_all(manifest(tmp_path / "m.jsonl", *lines))
    assert [sample.key for sample in samples] == [" <b>\u202e\x07 ", "12", ""]


def test_the_order_of_lines_does_not_matter(tmp_path: Path) -> None:
    put(tmp_path, **{f"p{number}": bytes([number]) for number in range(20)})
    lines = [{"path": f"p{number}.jpg", "caption": str(number)} for number in range(20)]
    lines += [{"caption": "again", "path": "p7.jpg"}, {"path": "./p7.jpg", "caption": "7"}]
    path = manifest(tmp_path / "m.jsonl", *lines)
    expected = plan.plan([path], unit_rows=6)
    for seed in range(4):
        random.Random(seed).shuffle(lines)
        manifest(tmp_path / "m.jsonl", *lines)
        assert plan.plan([path], unit_rows=6) == expected


def test_a_picture_listed_twice_is_one_row_with_all_captions(tmp_path: Path) -> None:
    put(tmp_path, a=b"A")
    path = manifest(
        tmp_path / "m.jsonl",
        {"path": "a.jpg", "caption": "two"},
        {"path": "a.jpg", "caption": "one", "licence": "CC0"},
        {"path": "a.jpg", "caption": "one"},
    )
    (sample,) = read_all(path)
    assert {caption.text for caption in sample.caption_raw or ()} == {"one", "two"}
    assert len(sample.caption_raw or ()) == 2
    assert sample.licence == "CC0"


def test_a_manifest_in_a_folder_describes_the_pictures_found_there(tmp_path: Path) -> None:
    root = tmp_path / "in"
    put(root / "sub", a=b"A", b=b"B")
    (root / "sub" / "a.txt").write_text("from text")
    manifest(root / "sub" / "metadata.jsonl", {"file_name": "a.jpg", "text": "from manifest"})
    manifest(root / "prompts.jsonl", {"prompt": "no manifest"}, {"path": "a.jpg"})
    found = {sample.key: sample for sample in read_all(str(root))}
    assert sorted(found) == ["sub/a.jpg", "sub/b.jpg"]  # lists of two folders may name one name
    captions = (Caption("from manifest"), Caption("from text"))
    assert found["sub/a.jpg"].caption_raw == captions
    assert found["sub/b.jpg"].caption_raw is None


def test_a_manifest_with_no_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"m\.jsonl: no input rows; expected"):
        plan.plan([manifest(tmp_path / "m.jsonl", "", "  ")])


def test_a_file_name_in_another_encoding_still_opens_its_file(tmp_path: Path) -> None:
    (tmp_path / "caf\udce9.jpg").write_bytes(b"A")
    line = b'{"path": "caf\xe9.jpg", "caption": "caf\xe9"}'
    (sample,) = read_all(manifest(tmp_path / "m.jsonl", line))
    assert (sample.key, sample.data) == ("caf\\xe9.jpg", b"A")
    assert sample.caption_raw == (Caption("caf\ufffd"),)
