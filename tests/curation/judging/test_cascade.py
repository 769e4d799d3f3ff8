"""Models one after the other in one read see what they would see if all were judged after each."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from making.collection import drawing, encoded
from making.in_process import ask_here
from making.pipelines import DUPLICATES, pipeline_text
from making.runs import carry_out, digests, ledger_rows

from curation.failures.errors import UsageError
from curation.graphs import measuring
from curation.judging.verdicts import Judge
from curation.signals import discovery
from curation.signals.row import Row
from curation.signals.signal import Column, Settings, Signal

ALONE = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
ACCELERATOR = "--model_accelerator=type:nvidia-l4;count:1;install-nvidia-driver"
LOOKED = list[tuple[str, str]]  # model and row


class OnAGpu(Settings):
    """Of a model that would look from a GPU."""

    @property
    def uses_accelerator(self) -> bool:
        return True


def digit(name: str, place: int, looked: LOOKED, **more: Any) -> Signal:
    """A model that says a digit of the image's id, and fails on images whose next one is 0."""

    def measure(rows: Sequence[Row]) -> list[dict[str, float]]:
        if len(rows) == 1 and rows[0].id[place + 1] == "0":
            raise ValueError("no such digit")
        if any(row.id[place + 1] == "0" for row in rows):
            raise ValueError("one of them")
        looked.extend((name, row.id) for row in rows)
        return [{name: float(int(row.id[place], 16))} for row in rows]

    column = {name: Column(pa.float32(), "0 to 15", "of a test")}
    return Signal(name, "model", 1, column, lambda *_: measure, **more)


def make_images(folder: Path) -> None:
    """Twenty drawings, ten of them in three sizes."""
    folder.mkdir()
    for seed in range(20):
        image = drawing(seed, 360)
        for side in (360, 320, 290) if seed < 10 else (360,):
            data = encoded(image.resize((side, side)))
            (folder / f"{seed:02}-{side}.jpg").write_bytes(data)


def stages(where: str) -> dict[str, dict[str, dict[str, object]]]:
    """Four models in three stages, and duplicates in one of these."""
    bounds: dict[str, dict[str, dict[str, object]]] = {
        "s1": {"short_side": {"min": 256}, "first": {"min": 2}},
        "s2": {"second": {"min": 2}, "reading": {"min": 3}},
        "s3": {"last": {"max": 12}},
    }
    bounds[where] |= DUPLICATES
    return bounds


def carried_out(
    root: Path, name: str, patch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, LOOKED, dict[str, str]]:
    """In how many rounds which models saw which rows, and what is written of them."""
    looked, rounds = LOOKED(), list[str]()
    shipped = [entry for entry in discovery.discover() if entry.tier != "model"]
    own = [
        digit("first", 0, looked),
        digit("second", 2, looked, settings=OnAGpu),
        digit("reading", 4, looked, reads=("second",), cost="heavy"),
        digit("last", 6, looked),
    ]
    run_models = measuring.run_models

    def counted(*told: Any) -> None:
        rounds.append("")
        run_models(*told)

    patch.setattr(discovery, "discover", lambda modules=(): [*shipped, *own])
    patch.setattr(measuring, "run_models", counted)
    patch.setattr("curation.signals.signal._LOADED", {})
    ask_here(patch)
    carry_out([str(root / "in")], str(root / name), [*ALONE, *arguments], 16)
    assert len(looked) == len(set(looked))
    return len(rounds), sorted(looked), digests(root / name)


@pytest.mark.parametrize(
    ("where", "top"),
    [
        ("s1", ""),
        ("s2", "quotas: {few: {by: format, count: 12, order: first, since: s2}}"),
        ("s3", "measure: [first, last]"),
    ],
)
def test_what_is_seen_is_the_same_in_fewer_rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, top: str
) -> None:
    make_images(tmp_path / "in")
    (tmp_path / "pipelines.yaml").write_text(pipeline_text(stages(where), keep="s2", top=[top]))
    with monkeypatch.context() as patch:
        rounds, *seen = carried_out(tmp_path, "cascade", patch)
    with monkeypatch.context() as patch:
        patch.setattr(Judge, "following", lambda *told: {})
        more_rounds, *seen_in_rounds = carried_out(tmp_path, "rounds", patch)
    assert seen == seen_in_rounds
    assert rounds < more_rounds
    rules = {row["rule"] for row in ledger_rows(tmp_path / "rounds")}
    assert {"first.min", "near_better.max", None} <= rules


@pytest.mark.parametrize("quota", ["fraction: 0.5", "share: {JPEG: 0.75, PNG: 0.25}"])
def test_what_a_quota_stops_counts_though_no_model_looks_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str
) -> None:
    """A run comes to what is defined, also of rows that the model of a later stage never saw."""
    make_images(tmp_path / "in")
    for seed in range(30, 50):
        (tmp_path / "in" / f"{seed}.png").write_bytes(encoded(drawing(seed, 300), "PNG"))
    later = {"s2": {"luma": {"min": 0}}, "s3": {"second": {"min": 8}}, "s4": {"last": {"max": 12}}}
    bounds = stages("s1") | later
    top = f"quotas: {{mix: {{by: format, {quota}, since: s2}}}}"
    (tmp_path / "pipelines.yaml").write_text(pipeline_text(bounds, keep="s2", top=[top]))
    with monkeypatch.context() as patch:
        _, looked, _ = carried_out(tmp_path, "run", patch)
    judged = [row for row in ledger_rows(tmp_path / "run") if row["verdict"] != "quarantined"]
    rows = [row for row in judged if row["stage"] != "s1" or row["verdict"] == "kept"]
    kept = {row["id"] for row in rows if row["verdict"] == "kept"}
    passing = Counter(Path(row["key"]).suffix for row in rows)
    stayed = Counter(Path(row["key"]).suffix for row in rows if row["id"] in kept)
    if "fraction" in quota:
        assert stayed == {suffix: number // 2 for suffix, number in passing.items()}
    else:
        assert stayed.total() == min(passing[".jpg"] * 4 // 3, passing[".png"] * 4)
        assert abs(stayed[".png"] - stayed.total() / 4) < 1
    assert len(rows) > len(kept) > 4
    stopped = {row["id"] for row in rows} - kept
    assert stopped - {row for name, row in looked if name in ("second", "last")}


def test_models_that_look_apart_from_the_others_see_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of the models read what one says that looks on other hardware."""
    make_images(tmp_path / "in")
    (tmp_path / "pipelines.yaml").write_text(pipeline_text(stages("s2"), keep="s2"))
    hardware = ACCELERATOR, "--model_memory=1GB"
    seen = []
    for name, arguments in (("together", ()), ("apart", hardware)):
        with monkeypatch.context() as patch:
            seen.append(carried_out(tmp_path, name, patch, *arguments))
    assert seen[0] == seen[1]


def test_hardware_that_no_model_uses_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_images(tmp_path / "in")
    with pytest.raises(UsageError, match="no model of this pipeline uses one"):
        carry_out([str(tmp_path / "in")], str(tmp_path / "out"), [*ALONE, ACCELERATOR], 16)
    assert not [*(tmp_path / "out").rglob("*.parquet")]
