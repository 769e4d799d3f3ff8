"""Files appear whole or not at all, locally and remotely, and are listed the same way."""

import errno
import os
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from curation import storage


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_name_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.bin"
    with storage.atomic_write(str(path)) as stream:
        stream.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert names(path.parent) == ["a.bin"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), storage.atomic_write(str(path)) as stream:
        stream.write(b"half of the new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_relative_path_needs_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    storage.write_bytes("a.bin", b"here")
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("room", [0, 1000, 100_000])
def test_no_room_left_names_the_file_and_leaves_nothing(tmp_path: Path, room: int) -> None:
    path = tmp_path / "a.bin"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(OSError) as caught:
            storage.write_bytes(str(path), b"x" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.errno == errno.EFBIG
    assert str(path) in str(caught.value)
    assert names(tmp_path) == []


def test_a_full_disk_at_the_last_moment_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device.*a\.bin"):
        storage.write_bytes(str(tmp_path / "a.bin"), b"data")
    assert names(tmp_path) == []


def test_a_failed_rename_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: str) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(OSError, match=r"Read-only file system.*a\.bin"):
        storage.write_bytes(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_an_error_of_the_caller_keeps_its_own_name(tmp_path: Path) -> None:
    target, absent = str(tmp_path / "a.bin"), str(tmp_path / "absent")
    with pytest.raises(FileNotFoundError) as caught, storage.atomic_write(target):
        storage.read_bytes(absent)
    assert caught.value.filename == absent


def test_a_file_where_a_folder_should_be_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        storage.write_bytes(str(tmp_path / "file" / "a.bin"), b"data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write and list everywhere")
def test_a_folder_without_rights_is_an_error_with_its_path(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o000)
    try:
        with pytest.raises(PermissionError, match="locked"):
            storage.list_files(str(tmp_path))
        locked.chmod(0o500)
        with pytest.raises(PermissionError, match="locked"):
            storage.write_bytes(str(locked / "a.bin"), b"data")
        assert names(locked) == []
    finally:
        locked.chmod(0o700)


def test_what_a_killed_writer_left_is_not_listed_and_can_be_removed(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import os, signal, sys
        from curation import storage
        with storage.atomic_write(sys.argv[1]) as stream:
            stream.write(b"half")
            stream.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    target = tmp_path / "deep" / "a.bin"
    done = subprocess.run([sys.executable, "-c", program, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(names(target.parent)) == 1
    mine = {str(target.parent / name) for name in ("film.partial", f"b.{'0f' * 16}.partial")}
    for path in mine:
        Path(path).write_bytes(b"a user's own file")
    assert {entry.path for entry in storage.list_files(str(tmp_path))} == mine
    assert storage.remove_partials(str(tmp_path)) == []  # what lies below is asked for by name
    assert len(storage.remove_partials(str(tmp_path), str(target.parent))) == 1
    assert {str(path) for path in target.parent.iterdir()} == mine


def test_listing_is_sorted_and_recursive(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "b/1.jpg", "a.jpg", "b/c/3.jpg", "[x]/4.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(name.encode())
    root = str(tmp_path)

    def listed(pattern: str) -> list[tuple[str, int]]:
        found = storage.list_files(os.path.join(root, pattern))
        return [(entry.path[len(root) + 1 :], entry.size) for entry in found]

    everything = [("[x]/4.jpg", 9), ("a.jpg", 5), ("b/1.jpg", 7), ("b/2.jpg", 7), ("b/c/3.jpg", 9)]
    assert [
        (entry.path[len(root) + 1 :], entry.size) for entry in storage.list_files(root)
    ] == everything
    assert listed("[x]") == everything[:1]
    assert listed("a.jpg") == everything[1:2]
    assert listed("b/?.jpg") == everything[2:4]
    assert listed("b*") == everything[2:]
    assert listed("**/*.jpg") == everything
    assert listed("absent") == listed("absent*") == []


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "sub").mkdir(parents=True)
    (elsewhere / "sub" / "a.jpg").write_bytes(b"a")
    root = tmp_path / "root"
    root.mkdir()
    (root / "folder").symlink_to(elsewhere)
    (root / "up").symlink_to(root)
    (elsewhere / "sub" / "back").symlink_to(root)
    (root / "file.jpg").symlink_to(elsewhere / "sub" / "a.jpg")
    (root / "lost.jpg").symlink_to(tmp_path / "nowhere")
    os.mkfifo(root / "pipe.jpg")
    assert [(entry.path, entry.size) for entry in storage.list_files(str(root))] == [
        (str(root / "file.jpg"), 1),
        (str(root / "folder" / "sub" / "a.jpg"), 1),
        (str(root / "lost.jpg"), storage.UNKNOWN_SIZE),
    ]


def test_a_folder_alone_is_listed_without_what_lies_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write_bytes(str(tmp_path / "a.txt"), b"a")
    storage.write_bytes(str(tmp_path / "sub" / "b.txt"), b"b")
    status = os.stat(tmp_path / "a.txt")
    times = (status.st_mtime_ns, status.st_ctime_ns)
    # ``linked``: what is listed alone may lie below a link, and is looked at before it is trusted
    entry = storage.FileEntry(str(tmp_path / "a.txt"), 1, times, linked=True)
    assert storage.list_folder(str(tmp_path)) == [entry]
    monkeypatch.chdir(tmp_path)
    assert storage.list_folder("") == [storage.FileEntry("a.txt", 1, times, linked=True)]


def test_local_work_does_not_import_beam(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import sys
        from curation import sources, storage
        from curation.sources import plan
        root = sys.argv[1]
        storage.write_bytes(root + "/in/a.jpg", b"a")
        storage.write_bytes(root + "/in/a.txt", b"caption")
        (unit,) = plan.plan([root + "/in"])
        plan.write_unit(root + "/plan", unit)
        (sample,) = sources.read(plan.read_unit(plan.unit_path(root + "/plan", unit.id)))
        assert sample.data == b"a", sample
        storage.remove_partials(root)
        storage.delete([root + "/in/a.jpg", root + "/absent"])
        heavy = {"apache_beam", "torch", "pyarrow"} & set(sys.modules)
        assert not heavy, heavy
    """)
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
