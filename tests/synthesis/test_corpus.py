"""Corpora: ours, and the user's: cleaned, judged, and their mistakes named by file and line."""

import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.failures.errors import UsageError
from synthesis import corpus
from synthesis.corpus import cleaning, fitness, reading
from synthesis.fonts.languages import LANGUAGES


def write(tmp_path: Path, name: str, content: str | bytes) -> str:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def texts(path: str, language: str = "en") -> list[str]:
    return [one.text for one in corpus.load(language, path).paragraphs]


def test_plain_text_is_a_paragraph_a_line(tmp_path: Path) -> None:
    content = "\ufeffOne\t two \r\n\r\nThree\u2028four\nOne two\n"
    assert texts(write(tmp_path, "c.txt", content)) == ["One two", "Three\nfour"]


def test_json_lines_keep_their_own_line_breaks(tmp_path: Path) -> None:
    content = '{"text": "a\\nb  c", "other": 1}\n\n{"text": "e\u0301"}\n'
    assert texts(write(tmp_path, "c.jsonl", content)) == ["a\nb c", "é"]


def test_parquet_has_a_column_of_texts(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    pq.write_table(
        pa.table({"id": [1, 2, 3], "text": ["One", None, "Two\u200b lines\nhere"]}), path
    )
    assert texts(str(path)) == ["One", "Two lines\nhere"]


def test_wrapped_text_is_joined_between_blank_lines(tmp_path: Path) -> None:
    wrapped = (
        "It was the sudden lack of wind that woke her, long before\n"
        "the bell, and for a while she lay and listened to the sea\n"
        "doing nothing.\n\n"
        "Then she rose and went to look for the others, who were of\n"
        "course asleep.\n"
    )
    first, second = texts(write(tmp_path, "c.txt", wrapped))
    assert first.endswith(
        "long before the bell, and for a while she lay and listened to the sea doing nothing."
    )
    assert second.startswith("Then she rose")
    chinese = (
        "这一行写到这里就被折断了，因为从前的终端只有这么宽，所以\n"
        "后面的半句话落到了下一行上。\n\n第二段。\n"
    )
    assert "所以后面的半句话" in texts(write(tmp_path, "z.txt", chinese), "zh")[0]


def test_a_text_of_another_language_is_left_out_and_counted(tmp_path: Path) -> None:
    lines = [
        "今天的天气很好，我们去公园散步。",
        "The weather is fine today and we go for a walk.",
        "今日は天気がいいので、公園を散歩しましょう。",
        "今天的天氣很好，我們去公園散步，聽說那裡的花開了。",
        "18:30—21:00",
        "今天的天气很好，我们去公园散步。",
        "用AI写诗，先要读诗。",
    ]
    loaded = corpus.load("zh", write(tmp_path, "c.txt", "\n".join(lines)))
    assert [one.text for one in loaded.paragraphs] == [lines[0], lines[4], lines[6]]
    told = loaded.provenance
    assert told.left_out == {"other_orthography": 1, "other_script": 2, "repeated": 1}
    assert (told.file, told.read, told.kept, told.licence) == ("c.txt", 7, 3, None)
    assert told.digest == loaded.digest


def test_latin_languages_are_told_apart_where_they_are_long_enough() -> None:
    german = (
        "Der Zug nach Norden fährt heute von Gleis drei, und die Leute warten auf dem Bahnsteig."
    )
    assert fitness.unfit(german, "de") is None
    assert fitness.unfit(german, "en") == "other_language"
    assert fitness.unfit("Café Zentral", "en") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_texts_are_in_their_language_and_whole(language: str) -> None:
    loaded = corpus.load(language)
    every = [one.text for one in (*loaded.paragraphs, *loaded.pages)]
    assert len(loaded.paragraphs) >= 25
    assert {text: fitness.unfit(text, language) for text in every} == dict.fromkeys(every)
    assert [cleaning.pieces(text, language) for text in every] == [[text] for text in every]
    assert len(set(every)) == len(every)
    assert loaded.provenance.licence == "CC0-1.0"


def test_a_long_text_is_cut_between_sentences() -> None:
    sentence = "这是一句不长也不短的话，用来看看断在哪里。"
    found = cleaning.pieces(sentence * 100, "zh")
    assert "".join(found) == sentence * 100
    assert all(len(one) <= cleaning.LONGEST["wide"] and one.endswith("。") for one in found)
    assert len(cleaning.pieces("字" * 5000, "zh")) == 1


def test_what_cannot_be_seen_is_taken_out() -> None:
    assert cleaning.clean("a\u00adb\u200bc\x07 \u00a0d") == "abc d"
    assert cleaning.clean("क्\u200dष") == "क्\u200dष"
    assert cleaning.clean("　　首行缩进。\n\n　　第二段。") == "首行缩进。\n第二段。"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.jsonl", '{"text": "a"}\n{"text": 3}\n', r'c\.jsonl:2: expected .* string "text"'),
        ("c.jsonl", '{"text": "a"}\n\nnonsense\n', r"c\.jsonl:3: not JSON"),
        ("c.jsonl", "[" * 100_000, r"c\.jsonl:1: not JSON"),
        ("c.txt", b"one\nabc\xff", r"c\.txt:2: not UTF-8 \(byte 3"),
        ("c.txt", "x" * (reading.LONGEST_LINE + 1), r"c\.txt:1: a line of over 1,000,000 bytes"),
        ("c.txt", " \n\n", "no text in it"),
        ("c.txt", "Привет, мир!\n", r"no text in it in language 'en' \(other_script 1\)"),
        ("c.parquet", b"PAR1", r"c\.parquet: not Parquet"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        corpus.load("en", write(tmp_path, name, content))


def test_a_parquet_file_without_texts_names_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"id": [1], "body": ["One"]}), path)
    with pytest.raises(UsageError, match="expected a column `text` of strings; it has id, body"):
        corpus.load("en", str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.txt: no such file"):
        corpus.load("en", str(tmp_path / "none.txt"))
    with pytest.raises(UsageError, match="a folder"):
        corpus.load("en", str(tmp_path))
    with pytest.raises(UsageError, match="'xx' is not one of en, zh"):
        corpus.load("xx")


def test_a_large_corpus_takes_little_more_than_its_texts(tmp_path: Path) -> None:
    count = 10_000
    path = write(
        tmp_path, "c.txt", "".join(f"Paragraph number {n} of many.\n" for n in range(count))
    )
    tracemalloc.start()
    loaded = corpus.load("en", path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(loaded.paragraphs) == count
    assert most / count < 500  # bytes a paragraph, of which the string is 80
