"""Similar images by their vectors: against comparing all with all, and in a run."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making.collection import drawing, encoded
from making.in_process import ask_here
from making.pipelines import TWO_STAGES, pipeline_text
from making.runs import carry_out, digests, ledger_rows
from PIL import Image

from curation.configuration import loading
from curation.configuration.loading import ConfigurationError
from curation.graphs import judging
from curation.groupings.grouping import PASSED, Grouping
from curation.groupings.similar import cells, vectors
from curation.groupings.similar.grouping import SIMILAR, Options, Similar
from curation.inspect import explain, rejudge
from curation.measuring import choosing
from curation.signals import discovery
from curation.signals.row import Row
from curation.signals.signal import Column, Signal

ALONE = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
BOUND = vectors.bound(0.9)


def planted(count: int, seed: int = 0, size: int = 64) -> vectors.Vectors:
    """Vectors around twenty others, a fifth of them close to another one."""
    random = np.random.default_rng(seed)
    made = (
        random.normal(size=(count, size))
        + random.normal(size=(20, size))[random.integers(0, 20, count)]
    )
    close = random.permutation(count)[: count // 5]
    made[close] = made[random.integers(0, count, len(close))]
    made[close] += random.normal(size=(len(close), size)) * 0.2
    return vectors.in_integers(made)


def first_similar(ranked: vectors.Vectors) -> np.ndarray:
    """By comparing all with all, in whole numbers."""
    products = ranked.astype(np.int64) @ ranked.astype(np.int64).T
    similar = np.tril(products >= int(BOUND), -1)
    return np.where(similar.any(axis=1), similar.argmax(axis=1), -1)


def test_few_are_compared_all_with_all() -> None:
    ranked = planted(1500)
    order = np.random.default_rng(1).permutation(len(ranked))
    expected = first_similar(ranked)
    assert (expected >= 0).sum() > 200
    assert np.array_equal(cells.best_before(ranked, order, BOUND), expected)


def test_many_find_what_comparing_all_finds_but_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LARGEST", 400), ("HELD", 50), ("TARGETS", 64), ("BLOCK", 128)):
        monkeypatch.setattr(cells, name, value)
    ranked = planted(3000)
    order = np.random.default_rng(1).permutation(len(ranked))
    expected = first_similar(ranked)
    best = cells.best_before(ranked, order, BOUND)
    assert not np.any((best >= 0) & (expected < 0))
    pairs = expected >= 0
    assert np.mean(best[pairs] == expected[pairs]) >= 0.99
    monkeypatch.setattr(cells, "BLOCK", 1000)  # products are exact, whatever the blocks
    assert np.array_equal(cells.best_before(ranked, order, BOUND), best)


def test_what_is_too_much_alike_to_be_cut_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "LARGEST", 100)
    monkeypatch.setattr(cells, "HELD", 20)
    ranked = np.repeat(planted(2), 300, axis=0)
    best = cells.best_before(ranked, np.random.default_rng(1).permutation(600), BOUND)
    assert best.tolist() == [-1, *[0] * 299, -1, *[300] * 299]


@given(st.integers(0, 2**32), st.integers(1, 4096))
def test_no_partial_sum_of_products_is_rounded(seed: int, size: int) -> None:
    """However long the vectors are, and where all of their numbers are rounded up."""
    random = np.random.default_rng(seed)
    made = vectors.in_integers(
        np.abs(random.normal(size=(2, size))) ** random.integers(0, 4)
    ).astype(int)
    assert np.abs(made[0] * made[1]).sum() < 2**24
    assert (made[0] ** 2).sum() < 2**24


def unit_of(ids: Sequence[int], made: vectors.Vectors, **more: Sequence[Any]) -> pa.Table:
    count = len(ids)
    rows: dict[str, Any] = {
        "id": [f"{number:032x}" for number in ids],
        "appearance": [row.astype(float).tolist() if row.any() else None for row in made],
        "pixels": [100] * count,
        "size": [1000] * count,
        "caption_length": [0] * count,
        "synthetic": [False] * count,
        "input_bytes": [0] * count,
        "exact_better": [0] * count,
        "near_better": [0] * count,
        "pair_better": [0] * count,
        "duplicate_of": pa.array([None] * count, pa.string()),
        PASSED: [2] * count,
    }
    return pa.table({**rows, **more})


def columns_of(units: Sequence[pa.Table], grouping: Similar = SIMILAR) -> list[tuple[Any, Any]]:
    summaries = [grouping.summary("u", unit) for unit in units]
    summary = summaries[0]
    for other in summaries[1:]:
        summary = grouping.merge(summary, other)
    concluded = grouping.conclude(summary)
    rows = [row for unit in units for row in grouping.measure("u", unit, concluded).to_pylist()]
    return [(row["similar_better"], row["similar_to"]) for row in rows]


def test_the_best_of_similar_rows_stays() -> None:
    made = planted(1).repeat(6, axis=0)
    ranks = {"pixels": [10, 90, 90, 90, 90, 90], "size": [5, 5, 7, 7, 7, 9]}
    ranks |= {"caption_length": [0, 0, 0, 3, 3, 9], PASSED: [2, 2, 2, 2, 2, 1]}
    rows = columns_of([unit_of([6, 5, 4, 3, 2, 1], made, **ranks)])
    assert rows == [(1, f"{2:032x}")] * 4 + [(0, None)] + [(1, f"{2:032x}")]


def test_who_does_not_take_part() -> None:
    """No vector: unknown. A duplicate: similar by that. Synthetic images and edits: never."""
    made = planted(1).repeat(5, axis=0)
    made[4] = 0
    more = {
        "near_better": [1, 0, 0, 0, 0],
        "duplicate_of": [f"{9:032x}", None, None, None, None],
        "synthetic": [False, True, False, False, False],
        "input_bytes": [0, 0, 7, 0, 0],
    }
    rows = columns_of([unit_of([1, 2, 3, 4, 5], made, **more)])
    assert rows == [(1, f"{9:032x}"), (0, None), (0, None), (0, None), (None, None)]


def test_other_captions_of_an_image_stand_or_fall_with_it() -> None:
    """Whether or not a model looked at them."""
    made = planted(1).repeat(4, axis=0)
    made[2] = 0
    more = {"pixels": [9, 5, 5, 5], "exact_better": [0, 0, 1, 1], "pair_better": [0, 0, 0, 1]}
    more["duplicate_of"] = pa.array([None, None, f"{2:032x}", f"{2:032x}"])
    unit = unit_of([1, 2, 2, 2], made, **more)
    best, second = f"{1:032x}", f"{2:032x}"
    assert columns_of([unit]) == [(0, None), (1, best), (1, best), (1, second)]
    assert columns_of([unit.slice(1)]) == [(0, None), (0, None), (1, second)]


def test_units_and_their_order_do_not_matter() -> None:
    made = planted(60, 3)
    units = [unit_of(range(start, start + 20), made[start : start + 20]) for start in (0, 20, 40)]
    units.append(unit_of([99], np.zeros((1, 64), np.int16)))
    grouping = SIMILAR.with_options(Options(threshold=0.9))
    expected = columns_of(units, grouping)
    assert sum(better or 0 for better, _ in expected) > 3
    assert columns_of(units[::-1], grouping)[1:] == [
        row for start in (40, 20, 0) for row in expected[start : start + 20]
    ]


def test_vectors_of_several_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="expected one size"):
        vectors.rounded(pa.chunked_array([[[1.0, 2.0], [1.0]]]))


def hues(rows: Sequence[Row]) -> list[Mapping[str, Any]]:
    """A stand-in for a model: mean colours of a 4 x 4 reduction."""
    small = [Image.fromarray(row.picture(64).rgb).resize((4, 4)) for row in rows]
    return [{"appearance": np.asarray(of, np.float32).ravel() - 128} for of in small]


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """In place of the model; whose keys it looked at."""
    keys: list[str] = []

    def measure(rows: Sequence[Row]) -> list[Mapping[str, Any]]:
        keys.extend(row.id for row in rows)
        return hues(rows)

    column = {"appearance": Column(pa.list_(pa.float32()), "", "of a test", in_shards=False)}
    model = Signal("appearance", "model", 1, column, lambda: measure)
    others = [entry for entry in discovery.discover() if entry.name != "appearance"]
    monkeypatch.setattr(discovery, "discover", lambda modules=(): [*others, model])
    ask_here(monkeypatch)
    return keys


def text(threshold: float = 0.9) -> str:
    first, second = TWO_STAGES.values()
    stages = {"s1": {**first, "similar_better": {"max": 0}}, "s2": dict(second)}
    top = [
        "groupings: [curation.groupings.similar.grouping]",
        f"settings: {{similar: {{threshold: {threshold}, quality: [pixels]}}}}",
    ]
    return pipeline_text(stages, top=top)


def test_in_a_run_models_look_at_what_is_left_and_similar_images_fall(
    tmp_path: Path, looked: list[str]
) -> None:
    (tmp_path / "in").mkdir()
    images = {f"{seed}.png": drawing(seed, 300) for seed in range(4)}
    images["crop.png"] = images["1.png"].crop((12, 12, 290, 290))
    images["near.jpg"] = images["2.png"]
    images["small.png"] = images["3.png"].resize((200, 200))
    for name, image in images.items():
        data = encoded(image, "PNG" if name.endswith("png") else "JPEG")
        (tmp_path / "in" / name).write_bytes(data)
    (tmp_path / "pipelines.yaml").write_text(text())
    output = tmp_path / "out"
    carry_out([str(tmp_path / "in")], str(output), ALONE, 3)
    rows = {row["key"]: row for row in ledger_rows(output)}
    stopped = {key: row["rule"] for key, row in rows.items() if row["verdict"] != "kept"}
    assert stopped == {
        "crop.png": "similar_better.max",
        "near.jpg": "near_better.max",
        "small.png": "short_side.min",
    }
    assert rows["crop.png"]["duplicate_of"] == rows["1.png"]["id"]
    assert sorted(looked) == sorted(rows[name]["id"] for name in images if name not in
                                    ("near.jpg", "small.png"))  # fmt: skip
    (explanation,) = explain.explain(str(output), "crop.png")
    assert explanation.representative and explanation.representative.key == "1.png"
    assert [*json.loads((output / "run.json").read_text())["groups"]] == ["duplicates", "similar"]
    (tmp_path / "other.yaml").write_text(text(1.0))
    assert rejudge.compare(str(output), str(tmp_path / "other.yaml")).gained == 1
    carry_out([str(tmp_path / "in")], str(tmp_path / "again"), ALONE, 2)
    assert {row["key"]: row["rule"] for row in ledger_rows(tmp_path / "again")} == {
        key: row["rule"] for key, row in rows.items()
    }
    before = digests(output, ("ledger",))
    carry_out([str(tmp_path / "in")], str(output), ALONE, 3)
    assert digests(output, ("ledger",)) == before


def test_more_rows_than_a_process_holds_are_refused(
    tmp_path: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for seed in range(3):
        (tmp_path / "in" / f"{seed}.png").write_bytes(encoded(drawing(seed, 300), "PNG"))
    (tmp_path / "pipelines.yaml").write_text(text())
    monkeypatch.setattr(judging, "ROWS_PER_PARTITION", 2)
    with pytest.raises(ConfigurationError, match=r"yaml:9: .*'similar'.*expected at most 2"):
        carry_out([str(tmp_path / "in")], str(tmp_path / "out"), ALONE, 3)


def test_it_is_a_grouping_with_settings(tmp_path: Path) -> None:
    assert isinstance(SIMILAR, Grouping)
    (tmp_path / "pipelines.yaml").write_text(text(1.5))
    with pytest.raises(ConfigurationError, match=r"similar\.threshold|'threshold'"):
        choosing.chosen(loading.load(str(tmp_path / "pipelines.yaml")))
