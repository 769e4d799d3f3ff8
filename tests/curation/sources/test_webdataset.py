"""WebDataset tars: whole, odd, truncated anywhere, and damaged at random."""

import gc
import gzip
import io
import json
import random
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from curation import sources
from curation.sources import Caption, Part, Sample, Unit, files, plan

Members = Iterable[tuple[str, bytes | None]]


def tar_bytes(members: Members, **options: object) -> bytes:
    """A tar of regular files; a member with None as data is a symbolic link."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", **options) as tar:  # type: ignore[call-overload]
        for name, data in members:
            info = tarfile.TarInfo(name)
            if data is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            else:
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data or b""))
    return stream.getvalue()


def img2dataset_members(count: int) -> list[tuple[str, bytes]]:
    """Samples as img2dataset writes them: key, then jpg, json, txt in this order."""
    members = []
    for number in range(count):
        key, caption = f"{number:09}", f"caption {number} <i>图</i>\n"
        said = {"caption": caption, "url": f"https://example.com/{number}", "key": key}
        said |= {"status": "success", "error_message": None, "width": 256, "LANGUAGE": "zh"}
        data = random.Random(number).randbytes(100 + 413 * number)
        members += [(f"{key}.jpg", data), (f"{key}.json", json.dumps(said).encode())]
        members += [(f"{key}.txt", caption.encode())]
    return members


def read_tar(path: Path, content: bytes, only: set[str] | None = None) -> list[Sample]:
    path.write_bytes(content)
    part = Part(str(path), len(content), path.name)
    samples = list(sources.read(Unit("0" * 16, "webdataset", (part,)), only))
    assert len({sample.uri for sample in samples}) == len(samples)
    assert all((sample.data is None) == (sample.error is not None) for sample in samples)
    return samples


def test_an_img2dataset_tar_gives_its_samples_in_order(tmp_path: Path) -> None:
    path = tmp_path / "in" / "00000.tar"
    path.parent.mkdir()
    path.write_bytes(tar_bytes(img2dataset_members(20)))
    (unit,) = plan.plan([str(path.parent)])
    assert (unit.layout, [part.key for part in unit.parts]) == ("webdataset", ["00000.tar"])
    samples = list(sources.read(unit))
    assert [sample.key for sample in samples] == [f"{number:09}" for number in range(20)]
    assert samples[3] == Sample(
        uri=f"{path}#000000003.jpg",
        key="000000003",
        data=random.Random(3).randbytes(100 + 413 * 3),
        error=None,
        path="000000003.jpg",
        caption_raw=(Caption("caption 3 <i>图</i>\n", "zh"),),
        source="https://example.com/3",
    )


@pytest.mark.parametrize("layout", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_other_scripts_are_kept(tmp_path: Path, layout: int) -> None:
    key = "folder/" + "x" * 150 + "图é"
    content = tar_bytes([(f"{key}.jpg", b"A"), (f"{key}.txt", b"cat")], format=layout)
    (sample,) = read_tar(tmp_path / "a.tar", content)
    assert (sample.key, sample.data, sample.caption_raw) == (key, b"A", (Caption("cat"),))


def test_the_key_ends_at_the_first_dot_as_in_webdataset(tmp_path: Path) -> None:
    members = [
        *(("v1.0/a.jpg", b"1"), ("v1.0/a.seg.png", b"2"), ("v1.0/a.txt", b"two pictures")),
        *(("./b", b"3"), (".c.jpg", b"4"), ("d.e.f.webp", b"5")),
    ]
    samples = read_tar(tmp_path / "a.tar", tar_bytes(members))
    assert [(sample.key, sample.data) for sample in samples] == [
        *(("v1.0/a", b"1"), ("v1.0/a", b"2")),
        *(("./b", b"3"), (".c", b"4"), ("d", b"5")),
    ]
    assert samples[0].caption_raw == samples[1].caption_raw == (Caption("two pictures"),)


def test_captions_may_come_first_and_metadata_is_no_row(tmp_path: Path) -> None:
    members = [
        *(("__meta__", b"x"), ("a.cls", b"3"), ("a.json", b'{"text": "t"}'), ("a.png", b"A")),
        *(("b.npy", b"x"), ("c.txt", b"c"), ("c.jpg", b"C")),
    ]
    samples = read_tar(tmp_path / "a.tar", tar_bytes(members))
    assert [(sample.key, sample.data) for sample in samples] == [("a", b"A"), ("c", b"C")]
    assert [sample.caption_raw for sample in samples] == [(Caption("t"),), (Caption("c"),)]


def test_a_caption_far_from_its_picture_is_told_not_lost(tmp_path: Path) -> None:
    members = [("a.jpg", b"A"), ("b.jpg", b"B"), ("a.txt", b"of a"), ("b.txt", b"of b")]
    samples = read_tar(tmp_path / "a.tar", tar_bytes(members))
    assert [(sample.key, sample.data) for sample in samples] == [
        *(("a", b"A"), ("b", b"B"), ("a", None), ("b", None)),
    ]
    assert "must be neighbours" in str(samples[2].error)


def test_links_and_giants_are_samples_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_IMAGE", 1000)
    members = [("a.jpg", None), ("b.jpg", b"x" * 1001), ("c.jpg", b"C")]
    samples = read_tar(tmp_path / "a.tar", tar_bytes(members))
    assert [sample.error for sample in samples] == [
        "unreadable: a link, device or sparse file",
        "unreadable: 1001 bytes, at most 1000 are read",
        None,
    ]


def test_a_name_that_comes_twice_is_two_rows(tmp_path: Path) -> None:
    members = [("a.jpg", b"1"), ("b.jpg", b"2"), ("a.jpg", b"3")]
    samples = read_tar(tmp_path / "a.tar", tar_bytes(members))
    place = str(tmp_path / "a.tar")
    assert [(sample.uri, sample.data) for sample in samples] == [
        *((f"{place}#a.jpg", b"1"), (f"{place}#b.jpg", b"2"), (f"{place}#a.jpg#2", b"3")),
    ]
    (again,) = read_tar(tmp_path / "a.tar", tar_bytes(members), only={f"{place}#a.jpg#2"})
    assert again.data == b"3"


def test_only_the_members_wanted_are_read(tmp_path: Path) -> None:
    content = tar_bytes(img2dataset_members(10))
    everything = read_tar(tmp_path / "a.tar", content)
    some = read_tar(tmp_path / "a.tar", content, {everything[7].uri, everything[2].uri, "absent"})
    assert some == [everything[2], everything[7]]


def test_a_tar_cut_off_anywhere_keeps_what_is_whole_and_says_so_once(tmp_path: Path) -> None:
    members = img2dataset_members(4)
    content = tar_bytes(members, format=tarfile.GNU_FORMAT)
    path = tmp_path / "a.tar"
    whole = read_tar(path, content)
    assert [sample.error for sample in whole] == [None] * 4
    ends = _ends(content)
    padding = content.rindex(members[-1][1].rstrip(b"\n")) // 512 * 512 + 512
    for length in [*range(0, padding + 512, 173), *ends, *(end - 1 for end in ends)]:
        samples = read_tar(path, content[:length])
        bad = [sample for sample in samples if sample.error]
        assert len(bad) == 1, (length, samples)
        assert bad == samples[-1:], length
        assert str(bad[0].error).startswith("unreadable: "), length
        pictures = [end for end in ends[::3] if end <= length]
        assert [sample.data for sample in samples[:-1]] == [
            sample.data for sample in whole[: len(pictures)]
        ], length


@pytest.mark.parametrize("cut", range(200, 512 * 7, 97))
def test_a_cut_in_captions_that_come_first_is_told_once(tmp_path: Path, cut: int) -> None:
    members = [("a.json", b'{"caption": "c"}'), ("a.png", b"A"), ("b.json", b"{}"), ("b.png", b"B")]
    samples = read_tar(tmp_path / "a.tar", tar_bytes(members)[:cut])
    assert [sample.error for sample in samples[:-1]] == [None] * (len(samples) - 1)
    assert str(samples[-1].error).startswith("unreadable: ")


def test_the_headers_of_a_long_tar_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    content = tar_bytes((f"{number}.jpg", b"") for number in range(300))
    path.write_bytes(content)
    part = Part(str(path), len(content), path.name)
    for row, _ in enumerate(sources.read(Unit("0" * 16, "webdataset", (part,)))):
        if row == 290:
            held = [thing for thing in gc.get_objects() if isinstance(thing, tarfile.TarInfo)]
            assert len(held) < 10


def _ends(content: bytes) -> list[int]:
    """Where the data of each member ends."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return [member.offset_data + member.size for member in tar]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"no tar at all" * 100, "unreadable: damaged tar"),
        (gzip.compress(tar_bytes([("a.jpg", b"A")]), mtime=0), "unreadable: damaged tar"),
    ],
)
def test_what_is_no_tar_is_one_sample_with_the_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    (sample,) = read_tar(tmp_path / "a.tar", content)
    assert reason in str(sample.error)
    assert sample.uri.startswith(str(tmp_path / "a.tar"))


def test_a_tar_that_is_gone_is_one_sample_with_the_reason(tmp_path: Path) -> None:
    part = Part(str(tmp_path / "gone.tar"), 1, "gone.tar")
    (sample,) = sources.read(Unit("0" * 16, "webdataset", (part,)))
    assert sample.error == "missing: no such file"


def test_tars_joined_end_to_end_are_not_cut_silently(tmp_path: Path) -> None:
    one, other = tar_bytes([("a.jpg", b"A")]), tar_bytes([("b.jpg", b"B")])
    samples = read_tar(tmp_path / "a.tar", one + other)
    assert samples[0].data == b"A"
    assert "unreadable" in str(samples[-1].error)


def test_an_empty_tar_has_no_rows(tmp_path: Path) -> None:
    assert read_tar(tmp_path / "a.tar", tar_bytes([])) == []


@pytest.mark.parametrize("seed", range(3))
def test_random_damage_never_escapes_and_never_changes_a_good_row_silently(
    tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    content = tar_bytes(img2dataset_members(6), format=tarfile.PAX_FORMAT)
    for _ in range(100):
        changed = bytearray(content)
        for _ in range(dice.choice([1, 1, 3, 50])):
            start = dice.randrange(len(changed))
            changed[start : start + dice.randrange(1, 40)] = dice.randbytes(dice.randrange(40))
        samples = read_tar(tmp_path / "a.tar", bytes(changed))
        for sample in samples:
            for text in (sample.uri, sample.key, sample.path, sample.error or ""):
                text.encode()
            for caption in sample.caption_raw or ():
                caption.text.encode()
        if len(samples) < 6:
            assert any(sample.error for sample in samples)


def test_compressed_tars_are_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(tar_bytes([("a.jpg", b"A")])))
    for given in (str(path), str(tmp_path)):
        with pytest.raises(sources.SourceError, match=r"a\.tar\.gz: .*expected.*decompress"):
            plan.plan([given])


def test_every_usual_name_of_a_side_file_is_read(tmp_path: Path) -> None:
    members = [
        *(("a.json", b'{"text": "4"}'), ("a.caption", b"3"), ("a.seg.png", b"S"), ("a.png", b"A")),
        *(("a.png.txt", b"1"), ("a.txt", b"2"), ("b.jpg.caption", b"b"), ("b.jpg", b"B")),
    ]
    samples = read_tar(tmp_path / "a.tar", tar_bytes(members))
    texts = [[c.text for c in sample.caption_raw or ()] for sample in samples]
    assert [sample.path for sample in samples] == ["a.seg.png", "a.png", "b.jpg"]
    assert texts == [["2", "3", "4"], ["1", "2", "3", "4"], ["b"]]


def test_side_files_that_cannot_be_read_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_SIDECAR", 4)
    members = [("a.jpg", b"A"), ("a.txt", b"too long"), ("a.caption", None), ("a.json", b"{")]
    (sample,) = read_tar(tmp_path / "a.tar", tar_bytes(members))
    assert (sample.data, sample.caption_raw) == (b"A", None)
    assert str(sample.problem).split("; ")[:2] == [
        "a.txt: 8 bytes, at most 4 are read",
        "a.caption: a link, device or sparse file",
    ]
    assert "a.json: not JSON: " in str(sample.problem)
