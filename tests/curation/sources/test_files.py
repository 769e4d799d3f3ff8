"""Folders of pictures with captions beside them: everything comes back, bit by bit."""

import json
import os
import random
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from making.folders import by_key, put
from making.places import SHARED

from curation import sources, storage
from curation.sources import Caption, Sample, files, plan
from curation.sources.kind import kind, stem_of, suffix_of
from curation.storage import ownership
from examples import gather


def test_a_folder_gives_every_picture_once_with_its_captions(tmp_path: Path) -> None:
    root = put(
        tmp_path / "in",
        {
            "a.jpg": b"A",
            "a.txt": "a cat\r\n",
            "sub/b.PNG": b"B",
            "sub/b.json": json.dumps({"caption": "ein Hund", "language": "de", "license": "CC0"}),
            "sub/c.jpg": b"C",
        },
    )
    found = by_key(root)
    assert list(found) == ["a.jpg", "sub/b.PNG", "sub/c.jpg"]
    assert found["a.jpg"] == Sample(
        uri=f"{root}/a.jpg",
        key="a.jpg",
        data=b"A",
        error=None,
        path="a.jpg",
        caption_raw=(Caption("a cat\r\n"),),
    )
    assert found["sub/b.PNG"].caption_raw == (Caption("ein Hund", "de"),)
    assert found["sub/b.PNG"].licence == "CC0"
    assert found["sub/c.jpg"].caption_raw is None


def test_every_file_is_a_row_whatever_its_name_unless_it_is_known_to_be_none(
    tmp_path: Path,
) -> None:
    rows = ["a.jpg", "no_extension", "film.mp4", "b.unknown", ".hidden", "c.jpg.zip", "d.html"]
    others = ["x.csv", "x.json", "x.txt", "x.md", "x.npz", ".DS_Store", "00000_stats.json"]
    others += ["Thumbs.db", ".cache/seen.jpg", "sub/.git/object", "X.TXT"]
    root = put(tmp_path / "in", dict.fromkeys([*rows, *others], b"content"))
    assert sorted(by_key(root)) == sorted(rows)


def test_an_input_may_itself_lie_in_a_hidden_folder(tmp_path: Path) -> None:
    root = put(tmp_path / ".cache" / "in", {"a.jpg": b"A"})
    assert list(by_key(root)) == ["a.jpg"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a.jpg", "image"),
        ("a", "image"),
        (".a", "image"),
        ("a.b/c", "image"),
        ("A.TXT", "sidecar"),
        ("a.tar", "tar"),
        ("a.tar.gz", "packed tar"),
        ("a.gz", "image"),
        ("a.tgz", "packed tar"),
        ("x/a.parquet", "parquet"),
        ("a.jsonl", "manifest"),
        ("a.npz", "ignored"),
        ("x/.DS_Store", "ignored"),
        (f"x/{ownership.MARKER}", "ignored"),
        (f"x/{ownership.LOCK}", "ignored"),
        (f"x/{gather.RECORD}", "ignored"),
    ],
)
def test_kinds_of_files(name: str, what: str) -> None:
    assert kind(name) == what


def test_stems_and_suffixes_belong_together() -> None:
    for name in ("a.jpg", "a", ".a", "x.y/a", "x.y/.a.b", "a.", "a..b"):
        assert stem_of(name) + suffix_of(name) == name
    assert stem_of("x.y/a") == "x.y/a"
    assert stem_of(".a.b") == ".a"


def test_what_cannot_be_read_is_a_sample_with_the_reason(tmp_path: Path) -> None:
    root = put(tmp_path / "in", {"b.jpg": b"B", "c.jpg": b"C", "d.jpg": b"D"})
    (tmp_path / "in" / "a.jpg").symlink_to(tmp_path / "in" / "nowhere")
    (unit,) = plan.plan([root])
    (tmp_path / "in" / "b.jpg").unlink()
    (tmp_path / "in" / "c.jpg").unlink()
    (tmp_path / "in" / "c.jpg").mkdir()
    reasons = [(sample.key, sample.data, sample.error) for sample in sources.read(unit)]
    assert reasons[:2] == [(name, None, "missing: no such file") for name in ("a.jpg", "b.jpg")]
    assert reasons[2][1] is None
    assert str(reasons[2][2]).startswith("unreadable: ")
    assert "c.jpg" in str(reasons[2][2])
    assert reasons[3] == ("d.jpg", b"D", None)


def test_a_file_too_large_to_be_a_picture_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_IMAGE", 10)
    monkeypatch.setattr(files, "LARGEST_SIDECAR", 3)
    root = put(tmp_path / "in", {"a.jpg": b"x" * 11, "b.jpg": b"x" * 10, "b.txt": "long"})
    found = by_key(root)
    assert found["a.jpg"].error == "unreadable: 11 bytes, at most 10 are read"
    assert found["b.jpg"].data == b"x" * 10
    assert found["b.jpg"].caption_raw is None


def test_only_the_files_wanted_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number}.jpg" for number in range(9)]
    root = put(tmp_path / "in", dict.fromkeys(names, b"x") | {"4.txt": "four", "5.txt": "five"})
    (unit,) = plan.plan([root])
    opened: list[str] = []
    genuine = storage.read_bytes

    def watched(path: str) -> bytes:
        opened.append(os.path.basename(path))
        return genuine(path)

    monkeypatch.setattr(storage, "read_bytes", watched)
    wanted = {f"{root}/7.jpg", f"{root}/4.jpg", f"{root}/absent.jpg"}
    assert [sample.key for sample in sources.read(unit, only=wanted)] == ["4.jpg", "7.jpg"]
    assert opened == ["4.jpg", "4.txt", "7.jpg"]
    assert list(sources.read(unit, only=set())) == []


def test_reading_is_lazy(tmp_path: Path) -> None:
    root = put(tmp_path / "in", {"a.jpg": b"A", "b.jpg": b"B"})
    (unit,) = plan.plan([root])
    samples = sources.read(unit)
    assert next(samples).data == b"A"
    (tmp_path / "in" / "b.jpg").write_bytes(b"changed")
    assert next(samples).data == b"changed"


def test_file_names_that_are_not_utf8_survive_as_escapes(tmp_path: Path) -> None:
    root = put(tmp_path / "in", {"a.jpg": b"A"})
    with open(os.fsencode(root) + b"/caf\xe9.jpg", "wb") as stream:
        stream.write(b"E")
    with open(os.fsencode(root) + b"/caf\xe9.txt", "wb") as stream:
        stream.write(b"un caf\xc3\xa9")
    (unit,) = plan.plan([root])
    plan.write_unit(str(tmp_path / "plan"), unit)
    again = plan.read_unit(plan.unit_path(str(tmp_path / "plan"), unit.id))
    assert again == unit
    found = {sample.key: sample for sample in sources.read(again)}
    assert list(found) == ["a.jpg", "caf\\xe9.jpg"]
    assert found["caf\\xe9.jpg"].data == b"E"
    assert found["caf\\xe9.jpg"].caption_raw == (Caption("un café"),)
    assert found["caf\\xe9.jpg"].uri == f"{root}/caf\\xe9.jpg"


_LETTERS = st.characters(exclude_characters="/\x00", exclude_categories=["Cs"])


_STEMS = st.text(_LETTERS, min_size=1, max_size=40).filter(
    lambda stem: stem not in (".", "..") and len(stem.encode()) < 200
)


_SUFFIXES = st.sampled_from([".jpg", ".JPEG", ".png", "", ".x y", ".*", ".[a]", "?"])


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(
    st.dictionaries(st.tuples(_STEMS, _SUFFIXES), st.tuples(st.binary(), _TEXTS), max_size=6),
    st.booleans(),
    st.integers(1, 4),
)
@example({("a", ".jpg"): (b"", "")}, False, 1)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_names_bytes_and_captions_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    contents: dict[tuple[str, str], tuple[bytes, str]],
    as_json: bool,
    unit_rows: int,
) -> None:
    folder = tmp_path_factory.mktemp("round trip [*] ?")
    expected: dict[str, tuple[bytes, str | None]] = {}
    captions: dict[str, str] = {}
    for (stem, suffix), (data, text) in contents.items():
        name = stem + suffix
        if kind(name) != "image":
            continue
        (folder / name).write_bytes(data)
        expected[name] = (data, text)
        captions[stem_of(name)] = text
    for stem, text in captions.items():
        sidecar = folder / (stem + (".json" if as_json else ".txt"))
        sidecar.write_bytes((json.dumps({"caption": text}) if as_json else text).encode())
    if not expected:
        return
    units = plan.plan([str(folder)], unit_rows=unit_rows)
    assert all(len(unit.parts) <= unit_rows for unit in units)
    for unit in units:
        plan.write_unit(str(folder) + ".plan", unit)
    again = [plan.read_unit(plan.unit_path(str(folder) + ".plan", unit.id)) for unit in units]
    assert again == units
    samples = [sample for unit in again for sample in sources.read(unit)]
    assert sorted(sample.key for sample in samples) == sorted(expected)
    for sample in samples:
        assert sample.data == expected[sample.key][0]
        assert sample.caption_raw == (Caption(captions[stem_of(sample.key)]),)


@pytest.mark.parametrize("seed", range(5))
def test_the_plan_does_not_depend_on_the_order_of_listing(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{letter}.jpg" for letter in string.ascii_letters]
    root = put(tmp_path / "in", {name: name for name in names})
    expected = plan.plan([root], unit_rows=7)
    genuine = os.scandir

    class Shuffled:
        def __init__(self, folder: str) -> None:
            with genuine(folder) as entries:
                self._entries = list(entries)
            random.Random(seed).shuffle(self._entries)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self._entries

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Shuffled)
    assert plan.plan([root], unit_rows=7) == expected


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the project's shared real data is not here")
def test_every_real_file_is_a_row_with_its_bytes() -> None:
    expected = {
        str(path.relative_to(SHARED))
        for path in SHARED.rglob("*")
        if path.is_file() and kind(path.name) == "image"
    }
    found = by_key(str(SHARED))
    assert set(found) == expected
    for key, sample in found.items():
        assert sample.data == (SHARED / key).read_bytes()
