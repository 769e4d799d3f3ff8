"""Outputs are safe: nothing of the user's is touched, and one run writes at a time."""

import hashlib
import os
import signal
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from making.collection import drawing, encoded
from making.reruns import ALONE
from making.runs import carry_out, digests, finish, ledger_rows, run_in_process, start

from curation.output.layout import NAMES
from curation.sources import plan
from curation.sources.departed import departed
from curation.sources.sample import SourceError, Unit
from curation.storage import ownership
from curation.storage.ownership import OwnershipError

SOME_HASH = "0f" * 16


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(encoded(drawing(number)))
    return folder


def users_files(folder: Path) -> dict[Path, bytes]:
    """Files that a user would put there, and some whose names are nearly those of a run."""
    names = ["README.md", "part-0.parquet", "notes.json", f"film.{SOME_HASH}.partial", "mine/a.txt"]
    names += ["signals.parquet", "part-00000-of-00001.parquet", ".checkpoint.partial"]
    files = {folder / name: f"my {name}".encode() for name in names}
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return files


def test_a_users_files_in_an_output_stay(pictures: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run_in_process(pictures, output)
    mine: dict[Path, bytes] = {}
    for folder in (output, *(output / name for name in NAMES)):
        mine |= users_files(folder)
    (pictures / "0.jpg").write_bytes(encoded(drawing(7)))
    verdicts = run_in_process(pictures, output)
    assert set(verdicts) == {"0.jpg", "1.jpg", "2.jpg"}
    assert {path: path.read_bytes() for path in mine if path.exists()} == mine
    units = {path.stem for path in (output / "ledger").glob("*.parquet")} - {
        "part-0", "signals", "part-00000-of-00001",
    }  # fmt: skip
    assert len(units) == 1  # what the first run measured is gone


def test_leavings_of_a_killed_writer_go(pictures: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    left = [output / f".run.json.{SOME_HASH}.partial"]
    run_in_process(pictures, output)
    (folder,) = (output / "signals").iterdir()
    left += [folder / f".x.parquet.{SOME_HASH}.partial"]
    for path in left:
        path.write_bytes(b"half")
    (output / "_SUCCESS").unlink()
    run_in_process(pictures, output)
    assert not any(path.exists() for path in left)


def test_a_strangers_folder_is_refused_and_left_as_it_is(pictures: Path, tmp_path: Path) -> None:
    output = tmp_path / "photos"
    mine = users_files(output)
    with pytest.raises(OwnershipError, match=r"photos: holds files that no run of ours wrote"):
        run_in_process(pictures, output)
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == mine


def test_the_current_folder_is_refused_unless_it_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(OwnershipError, match="no run of ours"):
        ownership.claim(".", "curation")
    with pytest.raises(OwnershipError, match="empty path"):
        ownership.claim("", "curation")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    ownership.claim(str(tmp_path / "a"), "rendering")
    with pytest.raises(OwnershipError, match="an output of rendering, not of curation"):
        ownership.claim(str(tmp_path / "a"), "curation")
    ownership.claim(str(tmp_path / "a"), "rendering")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / ownership.MARKER).touch()  # of a version without kinds
    ownership.claim(str(tmp_path / "old"), "rendering")


def test_a_second_run_is_told_who_is_writing(pictures: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = start([pictures], output)
    while not (output / "units.txt").exists():
        assert process.is_alive()
        time.sleep(0.005)
    assert process.pid
    os.kill(process.pid, signal.SIGSTOP)
    try:
        before = contents(output)
        with pytest.raises(OwnershipError, match=rf"process {process.pid} on .*; wait for it"):
            run_in_process(pictures, output)
        assert contents(output) == before
    finally:
        process.kill()
        process.join()
    finish([pictures], output)  # the dead run's lock is nobody's
    assert len(ledger_rows(output)) == 3
    assert not (output / ownership.LOCK).exists()


@pytest.mark.parametrize("there", [True, False])
def test_a_refused_command_leaves_no_folder(there: bool, tmp_path: Path) -> None:
    output = tmp_path / "out"
    if there:
        output.mkdir()
    with pytest.raises(SourceError, match="nothing found"):
        run_in_process(tmp_path / "mistyped", output)
    assert output.exists() == there and (not there or list(output.iterdir()) == [])


def test_what_a_failed_run_wrote_stays_ours(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), ownership.held(str(tmp_path / "out"), "curation"):
        (tmp_path / "out" / "plan").mkdir()
        (tmp_path / "out" / "plan" / "0.json").touch()
        raise ZeroDivisionError
    ownership.claim(str(tmp_path / "out"), "curation")


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_another_collection_is_refused_unless_its_results_may_go(
    pictures: Path, tmp_path: Path
) -> None:
    other, output = tmp_path / "other", tmp_path / "out"
    other.mkdir()
    for number in range(3):
        (other / f"{number}.jpg").write_bytes(encoded(drawing(100 + number)))
    run_in_process(pictures, output)
    before = contents(output)
    says = rf"another collection: (\d+) of \1 rows of the last run \({pictures} \1\) are not in"
    with pytest.raises(SourceError, match=says):
        run_in_process(other, output)
    assert contents(output) == before
    mine = users_files(output / "shards")
    run_in_process(other, output, replace=True)
    assert {path: path.read_bytes() for path in mine} == mine
    for path in mine:
        path.unlink()
    run_in_process(other, tmp_path / "fresh")
    assert digests(output) == digests(tmp_path / "fresh")


def planned(output: Path, *sources: Path) -> list[Unit]:
    units = plan.plan([str(source) for source in sources])
    for unit in units:
        plan.write_unit(str(output / "plan"), unit)
    return units


def shrunk(folder: Path, _other: Path) -> list[Path]:
    for number in range(8):
        (folder / f"{number}.jpg").unlink()
    return [folder]


def edited(folder: Path, _other: Path) -> list[Path]:
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes() + b"y")
    return [folder]


def moved(folder: Path, _other: Path, first: bytes = b"xxxxx") -> list[Path]:
    place = folder.rename(folder.with_name("moved"))
    (place / "0.jpg").write_bytes(first)
    return [place]


def renamed(_folder: Path, other: Path) -> list[Path]:
    for path in other.iterdir():
        path.rename(path.with_name(f"a{path.name}"))
    return [other]


def listed(folder: Path, _other: Path) -> list[Path]:
    path = folder / "images.jsonl"
    path.write_text('{"path": "0.jpg"}\n')
    return [path]


def packed(folder: Path, _other: Path) -> list[Path]:
    place = folder.with_name("in.tar")
    with tarfile.open(place, "w") as archive:
        archive.add(folder, "in")
    return [place]


CHANGES: dict[str, Callable[[Path, Path], list[Path]]] = {
    "nothing": lambda folder, _other: [folder],
    "grow": lambda folder, other: [folder, other],
    "shrink": shrunk,
    "edit all": edited,
    "move": moved,
    "move and edit one": lambda folder, other: moved(folder, other, b"edited"),
    "tar": packed,
    "same names": lambda _folder, other: [other],
    "other names": renamed,
    "a file of it beside others": lambda folder, other: [other, folder / "0.jpg"],
    "a list of it": listed,
}


@pytest.mark.parametrize(
    ("change", "gone", "is_refused"),
    [
        ("nothing", 0, False),
        ("grow", 0, False),
        ("shrink", 8, False),
        ("edit all", 0, False),
        ("move", 0, False),
        ("move and edit one", 1, False),
        ("tar", 9, True),
        ("same names", 9, True),
        ("other names", 9, True),
        ("a file of it beside others", 8, True),
        ("a list of it", 8, False),
    ],
)
def test_what_the_same_collection_is(
    tmp_path: Path, change: str, gone: int, is_refused: bool
) -> None:
    folder, output, other = tmp_path / "in", tmp_path / "out", tmp_path / "other"
    for place, extra in ((folder, 0), (other, 1)):
        place.mkdir()
        for number in range(9):
            (place / f"{number}.jpg").write_bytes(b"x" * (10 * number + 5 + extra))
    before = departed(str(output), planned(output, folder), [str(folder)])
    assert (before.rows, before.gone.total(), before.is_refused) == (9, 0, False)
    inputs = [str(source) for source in CHANGES[change](folder, other)]
    after = departed(str(output), plan.plan(inputs), inputs, [str(folder)])
    assert (after.gone[str(folder)], after.is_refused) == (gone, is_refused)


def test_rows_that_are_gone_are_said_before_they_leave_the_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a folder that is given they were taken out; of another input they are asked for."""
    first, second, output = tmp_path / "first", tmp_path / "second", tmp_path / "out"
    for folder in (first, second):
        folder.mkdir()
        for number in range(4):
            seed = number + 10 * (folder == second)
            (folder / f"{number}.jpg").write_bytes(encoded(drawing(seed)))
    carry_out([str(first), str(second)], str(output), ALONE, 8)
    (first / "0.jpg").unlink()
    capsys.readouterr()
    carry_out([str(first), str(second)], str(output), ALONE, 8)
    said = f"1 of 8 rows of the last run ({first} 1) are no longer in the input"
    assert capsys.readouterr().err.startswith(said)
    before = contents(output)
    inputs = [str(first), str(second / "0.jpg")]
    says = rf"3 of 7 rows of the last run \({second} 3\) are not in .* by --replace"
    with pytest.raises(SourceError, match=says):
        carry_out(inputs, str(output), ALONE, 8)
    assert contents(output) == before
    carry_out(inputs, str(output), ALONE, 8, replace=True)
    assert len(ledger_rows(output)) == 4
    assert "3 of 7 rows" in capsys.readouterr().err
