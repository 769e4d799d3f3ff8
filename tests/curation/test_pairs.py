"""Image-text pairs through whole runs: equal bytes with other captions, the same ones, none."""

from pathlib import Path

import pytest
from making.collection import drawing, encoded
from making.pipelines import TWO_STAGES, pipeline_text
from making.runs import digests, finish, ledger_rows, run_in_process

from curation import shard
from curation.inspect import explain, gate, rejudge
from curation.report import write_report
from curation.sources.identity import captions_digest
from curation.sources.sample import Sample
from curation.sources.values import Caption

IMAGE, OTHER = drawing(1, 300), drawing(2, 300)
FILES = {  # name: (bytes, caption)
    "0-first": (encoded(IMAGE), "a busy pattern of shapes"),
    "1-other-caption": (encoded(IMAGE), "shapes on a ground"),
    "2-same-pair": (encoded(IMAGE), "shapes on a ground"),
    "3-silent": (encoded(IMAGE), None),
    "4-near": (encoded(IMAGE, quality=60), "a busy pattern of shapes, once more"),
    "5-alone": (encoded(OTHER), "a busy pattern of shapes"),
}
PAIRS = {"short_side": {"min": 256}, "pair_better": {"max": 0}, "near_better": {"max": 0}}


def make(root: Path) -> Path:
    folder = root / "in"
    folder.mkdir()
    for name, (data, caption) in FILES.items():
        (folder / f"{name}.jpg").write_bytes(data)
        if caption is not None:
            (folder / f"{name}.txt").write_text(caption, encoding="utf-8")
    (root / "pipelines.yaml").write_text(pipeline_text({**TWO_STAGES, "s1": PAIRS}))
    return folder


def stopped(output: Path) -> dict[str, str]:
    rows = ledger_rows(output)
    return {row["key"][0]: row["rule"] for row in rows if row["verdict"] != "kept"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pairs")
    run_in_process(make(root), root / "out")
    return root


def test_each_pair_is_kept_once_and_the_bytes_of_a_near_duplicate_fall(root: Path) -> None:
    assert stopped(root / "out") == {
        "2": "pair_better.max",
        "3": "pair_better.max",
        "4": "near_better.max",
    }
    rows = ledger_rows(root / "out")
    assert {row["duplicate_of"] for row in rows if row["verdict"] != "kept"} == {rows[0]["id"]}
    assert rows[4]["id"] != rows[0]["id"] == rows[1]["id"]


def test_shards_hold_all_pairs_of_an_image_and_say_that_it_is_one(root: Path) -> None:
    shards = root / "out" / "shards"
    batches = [b for info in shard.verify(str(shards)) for b in shard.read(str(shards / info.file))]
    rows = {row["key"][0]: row for batch in batches for row in batch.to_pylist()}
    assert sorted(rows) == ["0", "1", "5"]
    columns = ("exact_better", "pair_better", "near_better")
    assert [tuple(rows[key][name] for name in columns) for key in "015"] == [
        (0, 0, 0),
        (1, 0, 0),
        (0, 0, 0),
    ]
    assert rows["1"]["duplicate_of"] == rows["0"]["id"] == rows["1"]["id"]
    assert [rows[key]["caption_raw"][0]["text"] for key in "01"] == [
        FILES[name][1] for name in ("0-first", "1-other-caption")
    ]
    assert all(entry.passed for entry in gate.check(str(root / "out")))


def test_workers_and_units_do_not_matter(root: Path) -> None:
    finish([root / "in"], root / "again", workers=2, unit_rows=2)
    assert stopped(root / "again") == stopped(root / "out")
    finish([root / "in"], root / "alone", workers=1, unit_rows=2)
    assert digests(root / "alone") == digests(root / "again")


def test_explanation_and_report_name_the_pair(root: Path) -> None:
    (explanation,) = explain.explain(str(root / "out"), "2-same-pair.jpg")
    assert explanation.representative
    assert explanation.representative.key == "1-other-caption.jpg"
    page = Path(write_report(str(root / "out"))).read_text()
    assert "same bytes and captions as its representative" in page
    assert "Exact duplicates of image-text pairs" in page
    assert "Exact duplicates: the same bytes" not in page  # nobody rules that


def test_images_may_be_unique_in_place_of_pairs_by_another_bound(root: Path) -> None:
    (root / "images.yaml").write_text(pipeline_text(TWO_STAGES))
    compared = rejudge.compare(str(root / "out"), str(root / "images.yaml"))
    assert (compared.gained, compared.lost) == (0, 1)


def test_a_digest_is_of_all_texts_in_any_order() -> None:
    def digest(**captions: list[str]) -> int:
        said = {
            f"caption_{split}": tuple(Caption(text, origin=str(number)) for text in texts)
            for split, texts in captions.items()
            for number in [len(texts)]
        }
        return captions_digest(Sample("u", "k", b"", None, "p", **said))

    assert digest() == digest(raw=["  \n"]) == digest(instruction=["make it blue"]) == 0
    assert digest(raw=["a", "b"]) == digest(raw=["b", "a", "b"])
    others = [digest(raw=["a"]), digest(raw=["b"]), digest(recaption=["a"]), digest(raw=["a "])]
    assert len({*others, digest(raw=["a", "b"]), digest(raw=["ab"]), 0}) == 7
