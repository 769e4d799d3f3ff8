"""Recaptions in a run: a rule on them has them written, text rules on them are refused."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from making.collection import drawing, encoded

from curation.configuration import loading
from curation.measuring import choosing
from curation.request import Request
from curation.run import run
from curation.strict_yaml import ConfigurationError

ALONE = ("--direct_num_workers=1", "--direct_running_mode=in_memory")
PIPELINE = """\
pipelines:
  recaptioned:
    signals: [captioning.recaption]
    settings: {{recaption: {{languages: {{en: 1}}}}}}
    stages:
      first: {{resolution: 256}}
      second: {{resolution: 256, captions: {{recaption: {{{rule}}}}}}}
"""


def written(tmp_path: Path, rule: str) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(PIPELINE.format(rule=rule))
    return path


def test_a_rule_on_recaptions_has_them_written(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr")
    pytest.importorskip("efficientnet_lite_pytorch")
    images = tmp_path / "in"
    images.mkdir()
    for seed in range(3):
        (images / f"{seed}.png").write_bytes(encoded(drawing(seed, 280)))
    pipeline = loading.load(str(written(tmp_path, "in_language: {min: 0.5}")), "recaptioned")
    output = tmp_path / "out"
    run(Request("recaptioned", pipeline, (str(images),), str(output), ALONE, 8))
    rows: list[dict[str, Any]] = []
    for path in sorted((output / "shards").glob("*.parquet")):
        rows += pq.read_table(path).to_pylist()
    assert len(rows) == 3
    assert all(row["recaption_problem"] is not None for row in rows)
    said = [caption for row in rows for caption in row["caption_recaption"]]
    assert said and all(caption["stage"] == "second" for caption in said)


def test_a_rule_on_texts_of_what_a_model_writes_is_refused_at_its_line(tmp_path: Path) -> None:
    pipeline = loading.load(str(written(tmp_path, "words: {min: 5}")), "recaptioned")
    with pytest.raises(ConfigurationError, match=r"own\.yaml:7: .*expected one of .*quote_recall"):
        choosing.chosen(pipeline)


def test_recaptions_are_left_out_with_what_asks_for_them() -> None:
    shipped = loading.load(str(loading.shipped_path()), "curate")
    left = choosing.without(shipped, ["recaption"])
    assert "caption_recaption" not in choosing.chosen(left).requested
    assert not any("recaption" in (stage.captions or {}) for stage in left.stages)
