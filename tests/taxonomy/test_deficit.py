"""What a run shows too rarely: exposures by character, and what is lacking to a target."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making.shard_rows import row

from curation import shard
from curation.failures.errors import UsageError
from curation.signals.regions import REGIONS
from taxonomy import deficit
from taxonomy.deficit import Exposures

ROWS = st.lists(st.tuples(st.text("龘厵的一", max_size=3), st.floats(1, 20)), max_size=30)


def shards(
    folder: Path, rows: Sequence[tuple[str, float | None]], column: str = "token_weight"
) -> Path:
    """A folder of shards whose images show these texts with these weights."""
    schema = shard.schema([pa.field("text_regions", REGIONS), pa.field(column, pa.float32())])
    made = []
    for number, (text, weight) in enumerate(rows):
        own = {k: v for k, v in row(number).items() if k in schema.names and k != "text_boxes"}
        lines = [("line", text, 0.9), ("line", "糊", 0.3)]  # the second was hardly read
        regions = [{"kind": k, "text": t, "score": s, "quad": []} for k, t, s in lines]
        made.append({**own, "text_regions": regions, column: weight})
    made[0] |= {"text_boxes": [{"text": "写", "quad": [], "level": "line"}]}
    batch = pa.RecordBatch.from_pylist(made, schema=schema)
    info = shard.write(str(folder / "shards/part.parquet"), iter([batch]), schema)
    shard.write_manifest(str(folder / "shards"), [info])
    return folder


def test_exposures_are_rows_weighted_and_what_lacks_is_rounded_up(tmp_path: Path) -> None:
    rows = [("的", 1.0), ("的的一", None), ("的", 1.0), ("的龘", 40.0)]
    exposures = deficit.counted(str(shards(tmp_path, rows)), "token_weight", 5.0)
    assert exposures.before == {"的": 3, "一": 1, "龘": 1, "写": 1}  # rendered: as it says
    scale = 4 / (1 + 1 + 1 + 5)
    assert exposures.after() == pytest.approx(
        {"的": 7 * scale, "一": scale, "龘": 5 * scale, "写": scale}
    )
    assert exposures.need(3, "的一龘鑫") == {"鑫": 3, "一": 3, "龘": 1}


@given(ROWS, st.integers(1, 30))
def test_with_what_is_needed_all_reach_the_target_and_nothing_is_asked_for_twice(
    rows: list[tuple[str, float]], target: int
) -> None:
    exposures = Exposures(10)
    for text, weight in rows:
        exposures.add(set(text), weight)
    need, after = exposures.need(target, "龘厵的一"), exposures.after()
    for of in "龘厵的一":
        with_renders = after.get(of, 0) + need.get(of, 0)
        assert target - 1e-6 <= with_renders
        assert of not in need or with_renders < target + 1
    assert sum(exposures.weighted.values()) <= 10 * sum(exposures.before.values()) + 1e-6


def test_entropy_is_of_the_largest_there_can_be() -> None:
    assert deficit.entropy(np.array([5.0] * 8)) == pytest.approx(1)
    assert deficit.entropy(np.array([9.0, 0, 0])) == 0
    assert deficit.entropy(np.array([1.0, 1, 0, 0])) == pytest.approx(0.5)


def test_the_command_prints_the_list_and_says_what_came_of_it(tmp_path: Path) -> None:
    folder = shards(tmp_path, [("的", 1.0)] * 4)
    (tmp_path / "all.txt").write_text("# of ours\n的写一\n", encoding="utf-8")
    command = [sys.executable, "-m", "taxonomy.deficit", str(folder), "--target", "3"]
    done = subprocess.run(
        [*command, "--characters", str(tmp_path / "all.txt")], capture_output=True, check=True
    )
    assert done.stdout.decode() == "一\t3\n写\t2\n"
    assert "4 rows, effective sample size 1.000 of them, largest factor 1.00" in (
        done.stderr.decode()
    )
    assert "to render: 2 characters, 5 exposures" in done.stderr.decode()


def test_a_run_without_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no shards in it"):
        deficit.counted(str(tmp_path), "token_weight", 10)
    folder = shards(tmp_path, [("的", 1.0)], column="other")
    with pytest.raises(UsageError, match="no column 'token_weight'"):
        deficit.counted(str(folder), "token_weight", 10)


def test_the_characters_of_gb2312() -> None:
    assert len(deficit.hanzi(deficit.gb2312())) == 6763
