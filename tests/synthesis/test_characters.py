"""Characters: the national table is whole, and every one of its characters has its turns."""

import bz2
import json
import re
from collections import Counter
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.commands import invoke
from making.made_fonts import make

from curation.failures.errors import UsageError
from synthesis import jobs
from synthesis.characters import need, planning, report, sampler, table
from synthesis.characters.__main__ import app
from synthesis.characters.planning import BLOCK, FLOOR, HUNDRED_THOUSAND, Kind
from synthesis.corpus import Paragraph
from synthesis.fonts import files as font_files
from synthesis.fonts.languages import LANGUAGES
from synthesis.job import Job

UNIHAN = Path("/usr/share/unicode/Unihan_OtherMappings.txt.bz2")
PARAGRAPHS = tuple("今天的天气很好。我们去公园看花！\n桃李芬芳；一路平安。" for _ in range(10))


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> tuple[font_files.FontFile, ...]:
    """Two faces: one with everything but two characters, one with level 1 alone."""
    folder = tmp_path_factory.mktemp("fonts")
    probe = LANGUAGES["zh"].probe
    every = "".join(table.levels()).replace("饕", "")
    make(folder / "all.ttf", _in_order(probe + every), inkless="餮", family="All")
    make(folder / "few.ttf", _in_order(probe + table.levels()[0]), family="Few")
    return font_files.find("zh", str(folder))


def _in_order(characters: str) -> str:
    return "".join(sorted(set(characters)))


def test_the_table_is_the_standard_s() -> None:
    assert [len(line) for line in table.levels()] == [3500, 3000, 1605]
    assert len(table.level_of()) == 8105
    assert len(table.gb2312()) == 6763
    if not UNIHAN.exists():
        pytest.skip("Debian's unicode-data is not installed")
    told = bz2.decompress(UNIHAN.read_bytes()).decode()
    rows = re.findall(r"U\+(\w+)\tkTGH\t2013:(\d+)", told)
    ordered = sorted((int(place), chr(int(code, 16))) for code, place in rows)
    assert "".join(one for _, one in ordered) == "".join(table.levels())


def test_words_are_of_the_table() -> None:
    lines = planning.WORDS.read_text(encoding="utf-8").splitlines()
    words = " ".join(line for line in lines if not line.startswith("#")).split()
    assert len(words) == len(set(words)) > 8000
    assert {*"".join(words)} <= table.level_of().keys()
    covered = {*"".join(words)}
    assert [sum(one in covered for one in line) for line in table.levels()] >= [3400, 2900, 200]


def test_every_character_in_need_has_one_turn_in_every_block(
    faces: tuple[font_files.FontFile, ...],
) -> None:
    plan = planning.plan(PARAGRAPHS, len(PARAGRAPHS), faces)
    assert set(plan.unrenderable) == {"饕", "餮"}
    natural = {*"".join(PARAGRAPHS)} & table.level_of().keys()
    for block in (0, 7):
        turns = sampler.turns(plan, block)
        given = [one for _, characters in turns.values() for one in characters]
        assert len(given) == len(set(given))
        assert {*given} == table.level_of().keys() - natural - {"饕", "餮"}
        assert max(turns) < BLOCK and len(turns) <= planning.MOST_OF_A_BLOCK * BLOCK
    assert sampler.turns(plan, 0) != sampler.turns(plan, 7)


def test_a_turn_shows_its_characters_whatever_the_attempt(
    faces: tuple[font_files.FontFile, ...],
) -> None:
    plan = planning.plan(PARAGRAPHS, len(PARAGRAPHS), faces)
    for place, (_, characters) in list(sampler.turns(plan, 0).items())[:200]:
        texts = {sampler.planned(Random(attempt), plan, place) for attempt in range(3)}
        assert all(text is not None and {*characters} <= {*text} for text in texts)
    assert (
        sampler.planned(Random(0), plan, max(set(range(BLOCK)) - {*sampler.turns(plan, 0)})) is None
    )


def test_a_rare_character_of_a_large_corpus_has_sentences(
    faces: tuple[font_files.FontFile, ...],
) -> None:
    texts = ["今天的天气很好。"] * 9999 + ["昨夜落雪；庭中梧桐一声不响。犬吠。"]
    plan = planning.plan(texts, len(texts), faces)
    groups = {one: kind for kind, characters in plan.groups for one in characters}
    assert groups["梧"] == groups["犬"] == Kind.SENTENCE
    assert "今" not in groups
    assert plan.sentences["梧"] == ("庭中梧桐一声不响。",)
    assert plan.sentences["犬"] == ("犬吠。",)


def test_the_floor_holds_for_a_planned_run(faces: tuple[font_files.FontFile, ...]) -> None:
    plan = planning.plan(PARAGRAPHS, len(PARAGRAPHS), faces)
    count = HUNDRED_THOUSAND // 10
    texts = [sampler.planned(Random(n), plan, n) or PARAGRAPHS[0] for n in range(count)]
    levels = report.coverage_report(texts, FLOOR // 10)
    assert [one.below for one in levels] == [
        "",
        "".join(o for o in table.levels()[1] if o in "饕餮"),
        "",
    ]
    assert [one.fewest >= FLOOR // 10 for one in levels] == [True, False, True]


def test_the_text_of_a_job_depends_on_its_index(faces: tuple[font_files.FontFile, ...]) -> None:
    paragraphs = tuple(map(Paragraph, PARAGRAPHS[:1]))
    job = Job("zh", "pure", 1, ((256, 256),), faces, paragraphs, "digest", None)
    texts = [sampler.text(Random(0), job, index) for index in range(200)]
    assert texts == [sampler.text(Random(0), job, index) for index in range(200)]
    assert 20 < sum(text is not None for text in texts) < 180
    other = Job("en", "pure", 1, ((256, 256),), faces, paragraphs, "digest", None)
    assert sampler.text(Random(0), other, 0) is None


def test_a_report_counts_pictures() -> None:
    first, second, third = report.coverage_report(["一一乙", "一", "乂"], floor=2)
    assert (first.rendered, first.at_floor, first.fewest) == (2, 1, 0)
    assert (second.rendered, second.at_floor) == (1, 0)
    assert third.rendered == 0 and third.below == table.levels()[2]


def test_the_command_reads_shards(tmp_path: Path) -> None:
    boxes = [
        [{"text": "一乙", "level": "line"}, {"text": "一", "level": "glyph"}],
        [{"text": "丁", "level": "glyph"}],
        None,
    ]
    pq.write_table(pa.table({"text_boxes": boxes}), tmp_path / "one.parquet")
    found = json.loads(invoke(app, ["--shards", str(tmp_path), "--json"]).stdout)
    assert found["images"] == 3
    assert [one["rendered"] for one in found["levels"]] == [2, 0, 0]
    assert "3,500" in invoke(app, ["--shards", str(tmp_path)]).stdout


def test_shards_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder with \.parquet files"):
        list(report.rendered_texts(tmp_path))
    pq.write_table(pa.table({"a": [1]}), tmp_path / "one.parquet")
    with pytest.raises(UsageError, match=r"one\.parquet: expected a shard"):
        list(report.rendered_texts(tmp_path))


NEED = {"饕": 9, "龘": 3, "梧": 12, "的": 1, "犬": 7}


def needed(faces: tuple[font_files.FontFile, ...], **more: int) -> need.Needed:
    return need.planned(tuple(sorted({**NEED, **more}.items())), PARAGRAPHS, faces)


def test_each_character_in_need_has_as_many_turns_and_what_no_font_has_is_said(
    faces: tuple[font_files.FontFile, ...],
) -> None:
    of = needed(faces, 天=30)
    shown = Counter(character for _, characters in of.turns for character in characters)
    assert shown == {"梧": 12, "的": 1, "犬": 7, "天": 30}
    assert of.unrenderable == "饕龘"  # the second is in no face
    (rendered, lacking) = of.notes()
    assert rendered == f"--need: 4 characters, 50 times in {len(of.turns)} images"
    assert lacking.endswith("2 of them: 饕龘")
    for seed, (kind, characters) in enumerate(of.turns):
        assert {*characters} <= {*sampler.put(Random(seed), of, kind, characters)}
    assert {kind for kind, characters in of.turns if "天" in characters} >= {Kind.SENTENCE}


def test_a_rendering_cut_short_has_shown_every_character(
    faces: tuple[font_files.FontFile, ...],
) -> None:
    given = [character for _, characters in needed(faces).turns for character in characters]
    assert sorted(given[:3]) == sorted("梧的犬")
    assert sorted(given[3:5]) == sorted("梧犬")


def test_a_job_of_a_need_depends_on_what_the_file_says(
    faces: tuple[font_files.FontFile, ...], tmp_path: Path
) -> None:
    path, fonts = tmp_path / "need.tsv", str(Path(faces[0].path).parent)
    jobs_of = {}
    for name, text in {"a": "犬\t2\n天\t1\n", "b": "天\t1\n\n犬\t2\n", "c": "犬\t3\n"}.items():
        path.write_text(text, encoding="utf-8")
        jobs_of[name] = jobs.prepare("zh", "pure", fonts=fonts, need=str(path))
    assert jobs_of["a"].digest() == jobs_of["b"].digest() != jobs_of["c"].digest()
    assert "need" not in jobs.prepare("zh", "pure", fonts=fonts).settings()
    assert jobs.number(jobs_of["c"], None) == 3
    assert jobs.number(jobs_of["c"], 2) == 2
    with pytest.raises(UsageError, match="3 images show what --need asks for"):
        jobs.number(jobs_of["c"], 4)
    texts = [sampler.text(Random(0), jobs_of["c"], index) or "" for index in range(3)]
    assert all("犬" in text for text in texts)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("犬 3\n", r"need\.tsv:1: found '犬 3'; expected a character, a tab and a number"),
        ("犬\t3\n犬犬\t1\n", r"need\.tsv:2"),
        ("\n犬\t0\n", "no character is needed"),
    ],
)
def test_a_need_that_is_none_is_named_by_its_line(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "need.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=match):
        need.read(str(tmp_path / "need.tsv"))
    with pytest.raises(UsageError, match="for --lang zh --mode pure, and mode strings"):
        jobs.prepare("zh", "scene", need="x")
