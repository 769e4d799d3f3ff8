"""Rows chosen by people's picks, and the best of each category: what fine-tuning is trained on."""

import json

import pytest
from making import training_shards as shards
from making.training_data import shown

from curation.failures.errors import UsageError


@pytest.fixture(scope="module")
def rows():
    """Of three categories, one of them none, with a weight that falls."""
    made = [
        row
        | {"id": f"{number:032x}", "category": ("a", "b", None)[number % 3]}
        | {"weight": 1.0 - number / 100}
        for number, row in enumerate(shards.rows(60))
    ]
    made[0]["weight"] = None
    return made


@pytest.fixture(scope="module")
def pattern(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("chosen")
    shards.write(folder / "part-00000.parquet", rows[:30])
    shards.write(folder / "part-00001.parquet", rows[30:])
    return str(folder / "part-*.parquet")


def ids(pattern, **data):
    """Of the rows that are trained on, in order."""
    return [example.id for example, _ in shown(pattern, held_out=0, **data)]


def marked(path, *lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_what_people_picked_or_rated_high_is_taken_and_what_they_rejected_is_not(
    rows, pattern, tmp_path
):
    names = [row["id"] for row in rows]
    picks = marked(
        tmp_path / "picks.jsonl",
        {"id": names[40], "pick": "keep"},
        {"id": names[3], "rating": 4},
        {"id": names[5], "rating": 5},
        {"id": names[5], "pick": "reject"},
        {"id": names[7], "rating": 3},
        {"id": names[9], "pick": "keep"},
        {"id": names[9], "pick": None},
    )
    assert ids(pattern, picks=picks) == [names[3], names[40]]
    assert ids(pattern, picks=picks, rating=3) == [names[3], names[7], names[40]]
    assert ids(pattern, picks=picks, where={"category": {"in": ["b"]}}) == [names[40]]


def test_the_best_are_of_each_category_and_of_what_is_asked_for(rows, pattern):
    names = [row["id"] for row in rows]
    best = {"by": "category", "order": "weight", "count": 2}
    assert ids(pattern, best=best) == [names[n] for n in (1, 3, 4, 6)]
    least = [names[n] for n in (54, 55, 57, 58)]
    assert ids(pattern, best=best | {"least": True}) == least
    late = {"where": {"weight": {"max": 0.695}}}
    assert ids(pattern, best=best, **late) == [names[n] for n in (31, 33, 34, 36)]
    equal = {"by": "category", "order": "height", "count": 1}
    assert ids(pattern, best=equal) == [names[0], names[1]]


def test_the_best_of_what_was_picked(rows, pattern, tmp_path):
    names = [row["id"] for row in rows]
    lines = [{"id": names[n], "rating": 5} for n in (13, 16, 19, 33)]
    picks = marked(tmp_path / "picks.jsonl", *lines)
    best = {"order": "weight", "count": 1}
    assert ids(pattern, picks=picks, best=best) == [names[13], names[33]]


WRONG = {
    "another run": ([{"id": "f" * 32, "pick": "keep"}], {}, "not one of its 1 images is among"),
    "nothing liked": ([{"id": "0" * 32, "rating": 2}], {}, "no image was picked, or rated 4"),
    "no picks": (None, {}, "No such file or directory; expected a file of picks"),
    "no column": (
        [],
        {"best": {"order": "beauty", "count": 1}},
        "data.best: there is no column 'beauty'",
    ),
    "no numbers": ([], {"best": {"order": "format", "count": 1}}, "expected numbers, not"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_chooses_nothing_is_said_in_a_sentence(case, pattern, tmp_path):
    lines, data, says = WRONG[case]
    path = tmp_path / "picks.jsonl"
    if lines is not None:
        marked(path, *lines)
    given = data or {"picks": str(path)}
    with pytest.raises(UsageError) as raised:
        ids(pattern, **given)
    assert says in str(raised.value)
