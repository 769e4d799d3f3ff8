"""What a user might miss in the pictures of a job is told before they are drawn."""

from pathlib import Path
from random import Random

import pytest

from curation.failures.errors import UsageError
from synthesis import jobs
from synthesis.characters import sampler


@pytest.mark.parametrize(
    ("language", "mode", "words"),
    [
        ("en", "template", ["layouts take their words"]),
        ("en", "pure", []),
        ("zh", "mix", ["layouts take their words", "national table"]),
        ("zh", "scene", []),
    ],
)
def test_what_becomes_of_a_users_texts_is_told(
    language: str, mode: str, words: list[str], tmp_path: Path
) -> None:
    corpus = tmp_path / "mine.txt"
    corpus.write_text({"en": "Fresh bread today\n", "zh": "今天的面包很新鲜\n"}[language], "utf-8")
    job = jobs.prepare(language, mode, corpus=str(corpus))
    notes = list(jobs.notes(job, None, str(corpus)))
    assert len(notes) == len(words)
    assert all(word in note for word, note in zip(words, notes, strict=True))
    assert list(jobs.notes(jobs.prepare(language, mode), None, None)) == []


def test_pages_of_a_users_texts_alone_show_no_others(tmp_path: Path) -> None:
    corpus = tmp_path / "mine.txt"
    corpus.write_text("今天的面包很新鲜\n", "utf-8")
    plain = jobs.prepare("zh", "pure", corpus=str(corpus), corpus_only=True)
    assert list(jobs.notes(plain, None, str(corpus))) == []
    usual = jobs.prepare("zh", "pure", corpus=str(corpus))
    assert plain.digest() != usual.digest()
    assert {sampler.text(Random(0), plain, index) for index in range(40)} == {None}
    assert {sampler.text(Random(0), usual, index) for index in range(40)} != {None}


@pytest.mark.parametrize("more", [{}, {"corpus": "a.txt", "need": "b.tsv"}])
def test_there_is_no_page_of_texts_alone_without_texts(more: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="for mode pure with --corpus"):
        jobs.prepare("zh", "pure", corpus_only=True, **more)  # type: ignore[arg-type]
