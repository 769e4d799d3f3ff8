"""Files on remote filesystems: the same promises as local ones, tried on one in memory."""

import re
from collections.abc import Iterator

import pytest

from curation import storage
from curation.storage import names as paths

SCHEMES = ("mem", "memdir")


@pytest.fixture
def remote(request: pytest.FixtureRequest) -> Iterator[str]:
    """The root of an empty in-memory filesystem."""
    from making import memory_filesystem

    memory_filesystem.clear()
    yield f"{request.param}://root/dir"
    memory_filesystem.clear()


@pytest.mark.parametrize("remote", SCHEMES, indirect=True)
def test_remote_files_are_written_read_listed_and_deleted(remote: str) -> None:
    for name in ("a.json.gz", "sub/deep/b.bin", "sub/c.bin", "sub/empty"):
        storage.write_bytes(storage.join(remote, *name.split("/")), name.encode())
    storage.write_bytes(f"{remote}/sub/empty", b"")
    storage.write_bytes(f"{remote}-other/d.bin", b"not below")
    assert storage.read_bytes(f"{remote}/a.json.gz") == b"a.json.gz"
    below = [(f"{remote}/a.json.gz", 9), (f"{remote}/sub/c.bin", 9)]
    below += [(f"{remote}/sub/deep/b.bin", 14), (f"{remote}/sub/empty", 0)]

    def listed(root: str) -> list[tuple[str, int]]:
        return [(entry.path, entry.size) for entry in storage.list_files(root)]

    assert listed(remote) == listed(remote + "/") == below
    assert listed(f"{remote}/a.json.gz") == below[:1]
    assert listed(f"{remote}/su*") == below[1:]
    assert listed(f"{remote}/sub/*.bin") == below[1:2]
    assert listed(f"{remote}/absent") == []
    assert (f"{remote}/sub/c.bin", 9) in [
        (entry.path, entry.size) for entry in storage.list_folder(f"{remote}/sub")
    ]
    assert storage.exists(f"{remote}/sub/c.bin")
    storage.delete([f"{remote}/sub/c.bin", f"{remote}/absent"])
    assert not storage.exists(f"{remote}/sub/c.bin")


@pytest.mark.parametrize("remote", SCHEMES, indirect=True)
def test_remote_files_are_replaced_whole_or_not_at_all(remote: str) -> None:
    from making.memory_filesystem import MemoryFileSystem

    path = f"{remote}/a.bin"
    storage.write_bytes(path, b"old")
    with pytest.raises(RuntimeError), storage.atomic_write(path) as stream:
        stream.write(b"half")
        raise RuntimeError
    assert storage.read_bytes(path) == b"old"
    storage.write_bytes(path, b"new")
    assert storage.read_bytes(path) == b"new"
    if remote.startswith("mem:"):
        MemoryFileSystem.failing.add(path)
        with pytest.raises(OSError, match="network"):
            storage.write_bytes(path, b"newer")
    assert [entry.path for entry in storage.list_files(remote)] == [path]
    assert storage.remove_partials(remote) == []


@pytest.mark.parametrize("remote", SCHEMES, indirect=True)
def test_remote_leftovers_are_hidden_and_removed(remote: str) -> None:
    from apache_beam.io.filesystems import FileSystems

    left = f"{remote}/a.bin.{'0f' * 16}{storage.TEMPORARY_SUFFIX}"
    with FileSystems.create(left, compression_type="uncompressed") as stream:
        stream.write(b"half")
    assert storage.list_files(remote) == []
    assert storage.remove_partials(remote) == [left]
    assert not storage.exists(left)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("https://example.com/a.jpg", "nothing is fetched from the web"),
        ("file:///pictures/a.jpg", "without file://"),
        ("s3://bucket/a.jpg", r"pip install 'apache-beam\[aws\]'"),
        ("azfs://account/container/a.jpg", r"pip install 'apache-beam\[azure\]'"),
        ("hdfs://a.jpg", r"pip install 'apache-beam\[hadoop\]'"),
    ],
)
def test_a_scheme_without_a_filesystem_is_refused_with_what_to_do(
    path: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "find_spec", lambda name: None)  # none of the clients is here
    paths._refusal_of.cache_clear()
    try:
        assert re.search(words, storage.refusal(path) or "")
    finally:
        paths._refusal_of.cache_clear()


def test_an_outage_is_told_from_bad_content() -> None:
    remote, local = "gs://bucket/a", "/a"
    assert storage.is_outage(remote, TimeoutError())
    assert not storage.is_outage(local, TimeoutError())
    assert not storage.is_outage(remote, FileNotFoundError())
    assert not storage.is_outage(remote, OSError("Arrow: the page is corrupt"))
    assert not storage.is_outage(remote, ValueError())
