"""Conditions in SQL: what they find, what they may not do, and that each ends in a sentence."""

import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("duckdb")

from curation.serving import query
from curation.serving.query import Queries, QueryError

COUNT = 3000
VALUES = np.random.default_rng(0).random(COUNT)
COLUMNS: Mapping[str, pa.ChunkedArray] = {
    "number": pa.chunked_array([np.arange(COUNT)]),
    "clarity": pa.chunked_array([VALUES]),
    "key": pa.chunked_array([[f"k{number}" for number in range(COUNT)]]),
    "boxes": pa.chunked_array([[[{"kind": "han", "quad": [float(n)]}] for n in range(COUNT)]]),
    "phash": pa.chunked_array([pa.array([2**63 + n for n in range(COUNT)], pa.uint64())]),
    "nothing": pa.chunked_array([pa.nulls(COUNT)]),
}
ASKED: list[list[str]] = []


def columns(names: list[str]) -> dict[str, pa.ChunkedArray]:
    ASKED.append(names)
    return {name: COLUMNS[name] for name in names}


QUERIES = Queries({name: of.type for name, of in COLUMNS.items()}, columns)


def test_conditions_and_orders() -> None:
    everything = QUERIES.numbers()
    assert everything.tolist() == list(range(COUNT))
    above = np.flatnonzero(VALUES > 0.5)
    assert QUERIES.numbers("clarity > 0.5").tolist() == above.tolist()
    assert QUERIES.numbers("  CLARITY > 0.5 -- a remark", " ").tolist() == above.tolist()
    best = QUERIES.numbers("", "clarity DESC, key")
    assert best.tolist() == np.argsort(-VALUES, kind="stable").tolist()
    assert QUERIES.numbers("key LIKE '%9' AND NOT key ILIKE 'K1%'", "key")[0] == 2009
    assert QUERIES.numbers("phash = 9223372036854775813").tolist() == [5]
    assert QUERIES.numbers("boxes[1].kind = 'han' AND boxes[1].quad[1] < 2").tolist() == [0, 1]
    assert QUERIES.numbers("nothing IS NULL AND number IN (3, 1)").tolist() == [1, 3]
    mean = QUERIES.numbers("clarity > (SELECT avg(clarity) FROM images)")
    assert mean.tolist() == np.flatnonzero(VALUES.mean() < VALUES).tolist()
    assert len(QUERIES.numbers("key IN (SELECT key FROM images WHERE clarity < 0.1)")) > 100
    assert len(QUERIES.numbers("clarity::INTEGER = 1 OR try_cast(key AS DOUBLE) > 1")) > 100


def test_only_the_columns_that_are_named_are_read() -> None:
    ASKED.clear()
    QUERIES.numbers("key = 'boxes' OR clarity < 0", "phash")
    assert [sorted(of) for of in ASKED] == [["clarity", "key", "number", "phash"]]


FILES = ("read_csv('{0}')", "read_parquet('{0}')", "read_text('{0}')", "read_json('{0}')", "'{0}'")
FILES += ("glob('{0}')", "sniff_csv('{0}')", "parquet_metadata('{0}')", "query('FROM ''{0}''')")
REFUSED = [
    *("true) UNION SELECT 1 --", "1; DROP TABLE images", "1; ATTACH '{0}'", "1; COPY a TO '{0}'"),
    *("true) LIMIT 1; INSTALL httpfs; --", "1; PRAGMA database_list", "1; SET threads = 9"),
    *("EXISTS (FROM duckdb_settings())", "EXISTS (FROM pragma_version())", "(SELECT 1) = 1"),
    *("EXISTS (FROM columns_of_python)", "EXISTS (FROM QUERIES)", "EXISTS (FROM main.images)"),
    *("EXISTS (SELECT 1 FROM images a, images b)", "EXISTS (SELECT 1 UNION SELECT 2)"),
    *("EXISTS (WITH a AS (SELECT 1) FROM a)", "EXISTS (FROM images JOIN images b ON true)"),
    *("EXISTS (VALUES (1))", "EXISTS (DESCRIBE images)", "EXISTS (PIVOT images ON key)"),
    *("COLUMNS(*) > 1", "clarity > $1", "clarity > ?", "sum(clarity) OVER () > 1"),
    *("list_sum(range(1000000000)) > 0", "len(repeat(key, 1000000000)) > 1", "uuid() = key"),
    *("clarity::INTEGER[100000000] IS NULL", "len(list_transform([1], lambda x: x)) = 1"),
    *("current_setting('threads') = 1", "getenv('HOME') = 'a'", "nextval('a') = 1", "sleep(9)"),
    *("clarity >", "(", "'", "/*", "--", "\0", "\ud800", "clarity QUALIFY 1", "count(*) > 1"),
    *("clarity + key > 1", "key", "boxes", "error('a')", "(" * 900 + "1" + ")" * 900),
    *("clarity > 1 AND " * 400 + "true", "true) ORDER BY (clarity"),
]  # fmt: skip


@pytest.mark.parametrize("text", [*REFUSED, *(f"EXISTS (FROM {of})" for of in FILES)])
def test_anything_else_is_refused_in_a_sentence(text: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    with pytest.raises(QueryError) as refused:
        QUERIES.numbers(text.replace("{0}", str(secret)))
    assert len(str(refused.value)) < 600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


@pytest.mark.parametrize(
    "order", ["(SELECT 1)", "clarity LIMIT 3", "clarity; DROP TABLE images", "+"]
)
def test_so_is_another_order(order: str) -> None:
    with pytest.raises(QueryError):
        QUERIES.numbers("", order)


def test_a_mistyped_column_is_named_with_the_nearest() -> None:
    with pytest.raises(QueryError, match=r"no column 'clarty'; did you mean 'clarity'\?"):
        QUERIES.numbers("clarty > 1")
    with pytest.raises(QueryError, match=r"the function medain .* did you mean 'median'"):
        QUERIES.numbers("clarity > (SELECT medain(clarity) FROM images)")


def test_the_database_itself_is_closed_to_all_else(tmp_path: Path) -> None:
    """What the check of the text lets slip would still reach nothing."""
    database = QUERIES._database.cursor()
    (tmp_path / "a.csv").write_text("a\n1\n")
    for statement in (
        f"FROM '{tmp_path}/a.csv'", f"FROM read_csv('{tmp_path}/a.csv')", f"ATTACH '{tmp_path}/b'",
        f"COPY (SELECT 1) TO '{tmp_path}/c'", "INSTALL httpfs", "LOAD httpfs", "SET threads = 9",
        "SET enable_external_access = true", "FROM COLUMNS", f"EXPORT DATABASE '{tmp_path}/d'",
    ):  # fmt: skip
        with pytest.raises(QUERIES._duckdb.Error):
            database.execute(statement).fetchall()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_what_takes_too_long_is_stopped_and_the_next_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(query, "SECONDS", 0.05)
    slow = "EXISTS (SELECT 1 FROM images i WHERE levenshtein(i.key, images.key) > 1000)"
    with pytest.raises(QueryError, match=r"stopped after 0\.05 seconds"):
        QUERIES.numbers(slow)
    assert len(QUERIES.numbers("number < 3")) == 3


def test_several_ask_at_once() -> None:
    answers: dict[int, int] = {}

    def ask(number: int) -> None:
        answers[number] = len(QUERIES.numbers(f"number < {number}", "clarity"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: number for number in range(1, 9)}


TEXT = """clarity key number boxes images SELECT FROM WHERE ( ) , . ; = < > AND OR NOT IN LIKE ' "
1 0.5 * + - / [ ] :: INTEGER CASE WHEN END NULL EXISTS -- /* */ LIMIT UNION WITH AS len avg $1"""
WORDS = st.sampled_from(TEXT.split())


@settings(max_examples=150)
@given(st.one_of(st.lists(WORDS, max_size=12).map(" ".join), st.text(max_size=30)))
def test_no_text_gets_anything_but_rows_or_a_sentence(text: str) -> None:
    for where, order in ((text, ""), ("", text)):
        try:
            numbers = QUERIES.numbers(where, order)
        except QueryError as error:
            assert str(error)
        else:
            assert set(numbers.tolist()) <= set(range(COUNT))
