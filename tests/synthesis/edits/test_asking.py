"""What of edits is asked for: kinds by shares, one's own pairs of texts, and what there is not."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from making import edits

from curation.failures.errors import UsageError
from synthesis import corpus, jobs
from synthesis.corpus.translations import TextKind, Translation
from synthesis.edits import kinds
from synthesis.edits.translating import OPERATION
from synthesis.job import Job


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return edits.job(tmp_path_factory.mktemp("fonts"), "en")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"language": "fr"}, "there are no edits in 'fr', only in en, zh"),
        ({"kinds": "text.replac"}, "did you mean 'text.replace'"),
        (
            {"kinds": "restore"},
            "did you mean 'restoration'.* all of a group its name: text, .*task",
        ),
        ({"kinds": "text.replace=many"}, "expected a number after ="),
        ({"kinds": "text.replace=0"}, "expected a share above 0"),
        ({"mode": "pure", "kinds": "text.add"}, "--kinds is for mode edit, not pure"),
        ({"mode": "pure", "parallel": "a"}, "--parallel is for mode edit, not pure"),
        ({"parallel": "none.jsonl"}, "--parallel none.jsonl: No such file"),
    ],
)
def test_what_cannot_be_is_told(options: dict[str, str], message: str) -> None:
    asked = {"language": "en", "mode": "edit", **options}
    with pytest.raises(UsageError, match=message):
        jobs.prepare(asked.pop("language"), asked.pop("mode"), **asked)


def test_a_group_is_all_its_operations() -> None:
    asked = dict(jobs.prepare("en", "edit", kinds="restoration=2.5,text.add").kinds)
    operations = [of for of in kinds.OPERATIONS if of.startswith("restoration.")]
    assert len(operations) == 5
    assert asked == {"text.add": 1.0, **dict.fromkeys(operations, 0.5)}


def test_kinds_are_as_often_as_their_shares(job: Job) -> None:
    chance, asked = Random(1), (("object.add", 1.0), ("text.replace", 3.0))
    some = Counter(kinds.choose(chance, replace(job, kinds=asked)).operation for _ in range(400))
    assert {*some} == {"object.add", "text.replace"}
    assert 2.2 < some["text.replace"] / some["object.add"] < 4.0


def test_nothing_is_translated_without_faces(job: Job) -> None:
    chance, bare = Random(1), replace(job, other_fonts=())
    assert OPERATION not in {kinds.choose(chance, bare).operation for _ in range(300)}


def test_shares_and_texts_are_of_the_fingerprint_and_only_of_edits(job: Job) -> None:
    assert job.digest() != replace(job, kinds=(("text.add", 1.0),)).digest()
    assert job.digest() != replace(job, parallel=(Translation("a", "b"),)).digest()
    other = replace(job, mode="template")
    assert other.digest() == replace(other, parallel=(Translation("a", "b"),)).digest()


def test_ones_own_pairs_are_read(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(
        '{"en": "To let", "zh": "出租"}\n\n{"en": "Sold", "zh": "已售", "kind": "status"}\n',
        "utf-8",
    )
    sold = Translation("Sold", "已售", TextKind.STATUS)
    assert corpus.parallel(str(file)) == (Translation("To let", "出租"), sold)


@pytest.mark.parametrize(
    "line",
    [
        *("[1]", '{"en": "To let"}', '{"en": "To let", "zh": " "}', "{"),
        '{"en": "To let", "zh": "出租", "kind": "notise"}',
    ],
)
def test_a_wrong_pair_is_told_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"en": "To let", "zh": "出租"}\n' + line + "\n", "utf-8")
    with pytest.raises(UsageError, match=r"pairs.jsonl:2: "):
        corpus.parallel(str(file))
