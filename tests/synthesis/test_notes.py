"""What a user might miss in the pictures of a job is told before they are drawn."""

from pathlib import Path

import pytest

from synthesis import jobs


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
