"""Training shards held against a benchmark by curation's rule: texts, images, and what is said."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pytest
from making import training_shards
from making.brightness_benchmarks import contribute, fill
from making.brightness_benchmarks.shades import HOSTILE
from making.commands import invoke
from PIL import Image

from curation.shard import schema as schema_of
from curation.shard import write
from curation.signals.row import Row
from curation.signals.signal import ready
from infer.evaluation.__main__ import app
from infer.harness import contamination, training_rows
from infer.harness.rows import Request
from infer.harness.training_rows import TrainingRow
from taxonomy.contamination import Benchmarks
from taxonomy.contamination import contamination as signal
from train import trained_on

LONG = "one two three four five six seven eight nine"
CHINESE = "天地玄黄宇宙洪荒日月盈昃辰宿列张"
PROMPTS = [
    Request("a", "The word INK!"),
    Request("b", LONG),
    Request("c", "x" * 9),
    Request("d", "页", texts=(CHINESE,)),
]


@pytest.fixture(autouse=True)
def _contributed(monkeypatch):
    contribute(monkeypatch)


def report(requests, *texts):
    asked = contamination.Asked(requests)
    return contamination.report(asked, [TrainingRow((text,)) for text in texts])


def test_rows_are_told_by_the_share_of_runs_that_curation_measures(tmp_path):
    part = "and two, three four five six seven eight NINE!"
    texts = ["the word ink", part, CHINESE[:13], CHINESE[:12], "two three four five six", "ink"]
    got = report(PROMPTS, *texts)
    assert (got["rows"], got["overlapping"], got["above_half"]) == (6, 2, 1)
    assert (got["prompts"], got["prompts_matched"]) == (4, 2)
    assert (got["prompts_short"], got["prompts_short_same"]) == (2, 1)  # which curation lets pass
    assert [each["prompt_id"] for each in got["nearest"]] == ["d", "b"] and got["images"] is None
    (tmp_path / "prompts.txt").write_text("\n".join(["The word INK!", LONG, "x" * 9, CHINESE]))
    measure = ready(signal, Benchmarks(prompts=[str(tmp_path / "prompts.txt")]))
    rows = [Row("a", b"", {"caption_raw": [text]}, {"phash": None}) for text in texts]
    for text, value in zip(texts, measure(rows), strict=True):
        assert report(PROMPTS, text)["largest"] == pytest.approx(value["contamination"])


def page(seed):
    """An image with large patches, which no other seed's is like."""
    patches = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), np.uint8)
    return Image.fromarray(np.kron(patches, np.ones((16, 16, 1), np.uint8)))


def shard(path, number, **more):
    data = training_shards.png(page(number))
    row = training_shards.row("AE", "red") | {"image": {"bytes": data, "path": None}}
    training_shards.write(path, [row | more])


def edits(*seeds):
    pages = [training_shards.png(page(seed)) for seed in seeds]
    return [Request(f"e{n}", "Make it red", inputs=(data,)) for n, data in enumerate(pages)]


def test_images_to_edit_are_told_by_their_hashes(tmp_path, monkeypatch):
    shard(tmp_path / "a.parquet", 1)
    shard(tmp_path / "b.parquet", 2, inputs=[{"bytes": training_shards.png(page(3)), "path": None}])
    given = [str(tmp_path / "*.parquet")]
    got = contamination.of(edits(1, 3, 4), None, given, "they are instructions")
    assert got["images"] == {
        "compared": 3,
        "training_images": 3,
        "rows": 2,
        "matched": 2,
        "not_compared": 0,
    }
    assert got["prompts"] == got["prompts_short"] == 0
    said = contamination.sentence(got)
    assert "not looked for: they are instructions" in said
    assert "2 of 3 images to edit are among 3 training images" in said and "run" not in said
    monkeypatch.setattr(training_rows, "MOST_DECODED", 1)
    got = contamination.of(edits(3), None, given, "")
    assert (got["images"]["matched"], got["images"]["not_compared"]) == (0, 2)
    assert "(2 were not compared)" in contamination.sentence(got) and got["prompts"] == 1
    nothing = [Request("a", "b")]
    assert contamination.of(nothing, None, given, "why") == contamination.unchecked("why")


def test_hashes_that_curation_stored_are_taken(tmp_path):
    known = training_rows.hash_of(training_shards.png(page(1)))
    row = training_shards.row("AE", "red") | {"phash": known}
    schema = schema_of([pa.field("phash", pa.uint64())])
    batches = pa.Table.from_pylist([row], schema=schema).to_batches()
    write(str(tmp_path / "a.parquet"), batches, schema)
    got = contamination.of(edits(1), None, [str(tmp_path)], "")
    assert (got["images"]["matched"], got["images"]["training_images"]) == (1, 1)


def test_what_the_command_says_and_shows(tmp_path):
    row = training_shards.row("AE", "red")
    row |= {"caption_raw": [{"text": f"<i>{HOSTILE}</i> a page p1"}], "text_boxes": None}
    caption = [{"text": "A page: p2!"}]
    rows = [row, training_shards.row("HL", "blue") | {"id": "b" * 32, "caption_raw": caption}]
    training_shards.write(tmp_path / "part-0.parquet", rows)
    folder = fill(tmp_path / "theirs", {f"p{n}_{k}": 9 for n in range(4) for k in (1, 2)})
    given = ["shades", "--images", str(folder), "--trained-on"]
    done = invoke(app, [*given, str(tmp_path / "part-0.parquet")])
    assert done.exit_code == 0, done.output
    assert (
        "training data: 2 rows of 1 files; by runs of 8 words or 13 characters 1 overlap with a"
        " prompt, 1 by more than half, at most 1.00; 1 of 4 prompts are matched; 3 are shorter"
        " than a run, of which 1 are a caption to the letter"
    ) in done.stdout
    page = (tmp_path / "evaluation/theirs/shades/report.html").read_text()
    assert "Nearest in the training data" in page and "<i>" not in page and "&lt;i&gt;" in page
    wrong = invoke(app, [*given, str(tmp_path / "none")])
    assert wrong.exit_code == 2 and "no .parquet file matches" in wrong.stderr


def test_a_checkpoint_names_what_it_was_trained_on(tiny, undisturbed, tmp_path):
    _, pattern, _ = tiny
    latest = undisturbed[0] / (undisturbed[0] / "latest").read_text().strip()
    checkpoint = shutil.copytree(latest, tmp_path / "checkpoint-40")
    caption = training_shards.caption
    known = training_shards.rows(1)[0]["caption_recaption"][0]["text"]
    asked = [Request("a", known), Request("b", caption("ZZ", "red"))]
    got = contamination.of(asked, checkpoint, (), "")
    assert (got["shards"], got["rows"], got["missing"], got["changed"]) == (2, 180, [], [])
    assert (got["prompts_matched"], got["largest"]) == (1, 1.0)
    record = json.loads((checkpoint / trained_on.NAME).read_text())
    assert record["shards"][0]["pattern"] == pattern

    def recorded(*named):
        record["shards"] = named
        (checkpoint / trained_on.NAME).write_text(json.dumps(record))
        got = contamination.of(asked, checkpoint, (), "")
        return got, contamination.sentence(got)

    own = record["shards"][0]
    gone = {"pattern": str(tmp_path / "gone"), "files": 2, "digest": "0"}
    got, said = recorded(own | {"digest": "0"}, gone)
    assert (got["missing"], got["changed"], got["rows"]) == ([gone["pattern"]], [pattern], 180)
    assert f"NOT THERE, name them with --trained-on: {gone['pattern']}" in said
    assert f"other files than were trained on: {pattern}" in said
    got, said = recorded(gone)
    assert not got["checked"] and f"its shards are not here: {gone['pattern']}" in said
    got, said = recorded()  # of an earlier version, whose phases name no sources
    assert not got["checked"] and "no shards are known" in said
    again = contamination.of(asked, checkpoint, [pattern], "")
    assert again["rows"] == 180 and again["begun_with"] == ""
