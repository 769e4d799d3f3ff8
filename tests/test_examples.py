"""The examples remove nothing but what they wrote."""

from pathlib import Path

import pytest

from curation.storage.ownership import OwnershipError
from examples import gather


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_gathering_again_removes_what_was_gathered_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "raw"
    out.mkdir()
    gather.publish(put(out / ".p", "a/1.jpg", "a/2.jpg"), out)
    put(out, "a/mine.jpg", "README.md")
    gather.publish(put(out / ".p", "a/2.jpg", "b/3.jpg"), out)
    assert names(out) == {"a/2.jpg", "b/3.jpg", "a/mine.jpg", "README.md", gather.RECORD}
    with pytest.raises(OwnershipError, match=r"mine\.jpg: was not gathered by us"):
        gather.publish(put(out / ".p", "a/mine.jpg"), out)


def test_gathering_among_a_strangers_files_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "holiday.jpg")
    with pytest.raises(OwnershipError, match="no run of ours"):
        gather.main(tmp_path)
    assert names(tmp_path) == {"holiday.jpg"}
