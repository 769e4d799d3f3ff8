"""Rendering touches nothing of a stranger's, and one rendering at a time writes in a folder."""

import os
from pathlib import Path

import pytest
from click.testing import Result
from making.commands import invoke
from making.made_fonts import all_characters, make

from curation.storage.ownership import MARKER, claim, held
from synthesis import render

STRANGERS = ("manifest.json", "gallery.html", "contact_sheet.png", "holiday.jpg", ".notes.partial")


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fonts")
    make(folder / "one.ttf", all_characters("en"), family="One")
    return folder


def draw(fonts: Path, out: Path) -> Result:
    places = ["--out", str(out), "--fonts", str(fonts)]
    return invoke(render.app, ["--lang", "en", "--n", "1", "--size", "96x96", *places])


@pytest.mark.parametrize("name", STRANGERS)
def test_nothing_is_drawn_among_a_strangers_files(fonts: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    done = draw(fonts, tmp_path)
    assert done.exit_code == 2
    assert f"{tmp_path}: holds files that no run of ours wrote" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"mine"


def test_a_users_files_beside_shards_stay(fonts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert draw(fonts, out).exit_code == 0
    mine = {out / name: name for name in ("README.md", ".notes.partial", f"a.{'0f' * 16}.partial")}
    for path, content in mine.items():
        path.write_text(content)
    assert draw(fonts, out).exit_code == 0
    assert {path: path.read_text() for path in mine} == mine


def test_a_foreign_or_broken_shard_is_not_overwritten(fonts: Path, tmp_path: Path) -> None:
    claim(str(tmp_path), "rendering")
    path = tmp_path / "part-00000.parquet"
    path.write_bytes(b"something of the user's")
    done = draw(fonts, tmp_path)
    assert done.exit_code == 2
    assert "part-00000.parquet: not a readable shard" in done.stderr
    assert path.read_bytes() == b"something of the user's"


def test_a_second_rendering_is_told_of_the_first(fonts: Path, tmp_path: Path) -> None:
    with held(str(tmp_path / "out"), "rendering"):
        done = draw(fonts, tmp_path / "out")
    assert done.exit_code == 2
    assert f"process {os.getpid()} on" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == [MARKER]
