"""Rules on what models measure of captions: who looks, what falls, what waits, what is null."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.collection import drawing, encoded
from making.in_process import ask_here
from making.pipelines import WITHOUT_MODELS
from making.runs import carry_out, ledger_rows

from curation.configuration import loading
from curation.configuration.loading import ConfigurationError
from curation.measuring import choosing
from curation.signals import captions, discovery
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Signal

ALONE = ["--direct_num_workers=1", "--direct_running_mode=in_memory"]
SHIPPED = [entry for entry in discovery.discover() if entry.tier != "model"]
COLUMN = captions.column("raw", "fit")
SAID = {  # the number that a caption ends with is how well it fits
    "both": ["a tree 9", "a house 8"],
    "one": ["a tree 9", "spam 1"],
    "none": ["spam 1", "spam 2"],
    "short": ["9"],
    "silent": [],
    "unknown": ["a tree ?"],
    "partly": ["a tree ?", "a tree 9"],
    "beside": ["a tree 8", "spam 2"],
}
RECAPTIONED = "beside"  # has a recaption, which no rule is on


class Fit:
    """A model that reads how well a caption fits from its end, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def entry(self) -> Signal:
        kind = Column(pa.list_(pa.float32()), "1", "of a test", in_shards=False)
        return Signal("fit", "model", 1, {COLUMN: kind}, lambda: self.measure, reads=(CAPTIONS,))

    def measure(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        said = [list(row.captions["caption_raw"]) for row in rows]
        self.asked += said
        return [{COLUMN: [_fit(text) for text in texts]} for texts in said]


def _fit(text: str) -> float | None:
    return float(text[-1]) if text[-1].isdigit() else None


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch) -> Fit:
    fit = Fit()
    fit_name = f"{id(fit)}"  # loaded models are kept by name: each test has its own
    entry = fit.entry()
    own = Signal(f"fit{fit_name}", "model", 1, entry.columns, entry.function, reads=entry.reads)
    monkeypatch.setattr(discovery, "discover", lambda modules=(): [*SHIPPED, own])
    ask_here(monkeypatch)
    return fit


RULES = "        captions: {raw: {length: {min: 3}, fit: {min: 5}}}\n"


def ruled(rules: str = RULES) -> str:
    """A pipeline of one stage with rules on captions."""
    return WITHOUT_MODELS.rstrip("\n") + "\n" + rules


def run(root: Path, text: str) -> dict[str, tuple[str, str | None, str | None]]:
    for number, (name, texts) in enumerate(SAID.items()):
        image = root / "in" / f"{name}.jpg"
        image.parent.mkdir(exist_ok=True)
        image.write_bytes(encoded(drawing(number)))
        if texts:
            said = {"caption_raw": texts} | (
                {"caption_recaption": "a"} if name == RECAPTIONED else {}
            )
            image.with_suffix(".json").write_text(json.dumps(said), "utf-8")
    (root / "pipelines.yaml").write_text(text, encoding="utf-8")
    carry_out([str(root / "in")], str(root / "out"), ALONE, 8)
    rows = ledger_rows(root / "out")
    return {row["key"].split(".")[0]: (row["verdict"], row["rule"], row["reason"]) for row in rows}


def test_a_bad_caption_falls_and_an_image_with_none_left(fit: Fit, tmp_path: Path) -> None:
    verdicts = run(tmp_path, ruled())
    assert {name: of[0] for name, of in verdicts.items()} == {
        **dict.fromkeys(("both", "one", "silent", "partly", "beside"), "kept"),
        **dict.fromkeys(("none", "short"), "dropped"),
        "unknown": "quarantined",
    }
    assert verdicts["none"][1] == verdicts["short"][1] == "captions.min"
    assert ["9"] not in fit.asked  # its text alone says that none is left
    assert len(fit.asked) == len({tuple(texts) for texts in fit.asked})
    (shard,) = (tmp_path / "out" / "shards").glob("*.parquet")
    rows = {row["key"].split(".")[0]: row for row in pq.read_table(shard).to_pylist()}
    assert [of["stage"] for of in rows["one"]["caption_raw"]] == ["s2", "s1"]
    assert COLUMN not in rows["one"]
    beside = [of["stage"] for of in rows["beside"]["caption_raw"]]
    assert beside == ["s2", "s1"]  # its recaption stays whatever the model says, which looks still


def test_rules_on_what_models_measure_need_no_other(fit: Fit, tmp_path: Path) -> None:
    verdicts = run(tmp_path, ruled("        captions: {raw: {fit: {min: 5}}}\n"))
    dropped = {name for name, of in verdicts.items() if of[0] == "dropped"}
    assert dropped == {"none"}


def test_without_the_model_its_rules_go(fit: Fit, tmp_path: Path) -> None:
    config = tmp_path / "pipelines.yaml"
    config.write_text(ruled(), encoding="utf-8")
    pipeline = loading.load(str(config), "curate")
    name = next(entry.name for entry in discovery.discover() if COLUMN in entry.columns)
    reduced = choosing.without(pipeline, [name])
    assert [stage.captions["raw"].keys() for stage in reduced.stages if stage.captions] == [
        {"length"}
    ]
    assert name in choosing.chosen(pipeline).models and name not in choosing.chosen(reduced).models


def test_what_is_measured_of_raw_captions_rules_no_others(fit: Fit, tmp_path: Path) -> None:
    config = tmp_path / "pipelines.yaml"
    config.write_text(ruled("        captions: {fused: {fit: {min: 5}}}\n"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="nothing called 'fit' is measured"):
        loading.load(str(config), "curate")
