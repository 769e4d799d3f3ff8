"""The table of nouns is what the sources say, read from files as WordNet writes them."""

import json
from pathlib import Path

import pytest

from taxonomy import build, tree

LICENCE = "  1 This software and database is being provided to you\n"
DATA = """\
00000100 03 n 01 entity 0 001 ~ 00000200 n 0000 | all there is
00000200 05 n 02 mouse 0 house_mouse 1 002 @ 00000100 n 0000 #m 00000300 n 0000 | a rodent
00000300 06 n 01 mouse 0 001 @ 00000100 n 0000 | moved by hand
00000400 18 n 01 Mickey 0 001 @i 00000200 n 0000 | a famous one
"""
INDEX = "mouse n 2 1 @ 2 1 00000200 00000300  \nhouse_mouse n 1 1 @ 1 0 00000200  \n"
INDEX += "entity n 1 1 ~ 1 1 00000100  \nmickey n 1 1 @i 1 0 00000400  \n"


@pytest.fixture
def wordnet(tmp_path: Path) -> Path:
    (tmp_path / "data.noun").write_text(LICENCE + DATA)
    (tmp_path / "index.noun").write_text(LICENCE + INDEX)
    (tmp_path / "index.sense").write_text("mouse%1:05:00:: 00000200 1 14\nrun%2:38:00:: 1 1 9\n")
    (tmp_path / "noun.exc").write_text("mice mouse\nhouse_mice house_mouse\n")
    return tmp_path


def test_a_row_says_senses_counts_plurals_and_what_is_above(wordnet: Path) -> None:
    rows = build.table(wordnet, {200: ["老鼠"]}, {200}).to_pylist()
    assert rows[1] == {
        "offset": 200,
        "parents": [100],
        "lexfile": 5,
        "instance": False,
        "visual": True,
        "lemmas": ["mouse", "house mouse"],
        "senses": [1, 1],
        "tags": [14, 0],
        "plurals": [["mice"], ["house mice"]],
        "chinese": ["老鼠"],
    }
    assert [row["visual"] for row in rows] == [True, True, False, False]
    assert rows[2]["senses"] == [2] and rows[2]["tags"] == [0]
    assert rows[3]["instance"] and rows[3]["parents"] == [200]


@pytest.mark.parametrize("suffix", ["json", "tab"])
def test_chinese_names_are_cleaned(tmp_path: Path, suffix: str) -> None:
    names = {"00000200-n": ["侵占者;", "老鼠", "老鼠", "姓，名", "mouse"], "00000200-v": ["跑"]}
    path = tmp_path / f"names.{suffix}"
    lines = [f"{key}\tcmn:lemma\t{name}" for key, of in names.items() for name in of]
    path.write_text(json.dumps(names) if suffix == "json" else "# cmn\n" + "\n".join(lines))
    assert build.chinese(path) == {200: ["侵占者", "老鼠"]}


def test_the_table_that_ships_has_every_noun_of_wordnet() -> None:
    table = tree.nouns()
    assert table.schema.equals(build.SCHEMA)
    assert table.num_rows == 82115
    assert table.column("offset").to_pylist() == sorted(table.column("offset").to_pylist())
