"""Curation's own benchmark: the pool repeats, its truth is right and hidden, entries are judged."""

import json
from collections import Counter

import numpy as np
import pytest

from benchmarks.curation_bench import __main__ as bench
from benchmarks.curation_bench import damages, entries, outcome, photographs, planted, pool
from benchmarks.curation_bench.entries import BUILT_IN, Entry, Kept
from benchmarks.curation_bench.outcome import Line
from benchmarks.curation_bench.pool import Truth
from benchmarks.curation_bench.training import Run
from curation.picture import decoding
from curation.picture.decoding import PictureError

FEW = ("small", "not an image", "Gaussian blur", "spam as caption", "mistyped caption")
SIZE = 36
SMALL = {"s1", "s7"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A pool of few defects, and its truth."""
    with pytest.MonkeyPatch.context() as patch:
        few = tuple(defect for defect in planted.DEFECTS if defect.name in FEW)
        patch.setattr(planted, "DEFECTS", few)
        folders = [tmp_path_factory.mktemp("pool") for _ in range(2)]
        for folder in folders:
            pool.write(folder / "pool", folder / pool.TRUTH, SIZE, 5)
    return folders


def test_a_pool_is_the_same_every_time(made):
    first, second = ({path.name: path.read_bytes() for path in out.rglob("*.*")} for out in made)
    assert first == second
    assert len(first) == 2 * SIZE + 1


def test_truth_names_what_is_in_the_pool_and_the_pool_does_not_tell(made):
    (out, _), truth = made, pool.read(made[0] / pool.TRUTH)
    names = sorted(path.name for path in (out / "pool").iterdir() if path.suffix != ".txt")
    assert names == sorted(truth)
    assert Counter(of.planted for of in truth.values())[pool.CLEAN] >= SIZE // 4
    words = {word for defect in planted.DEFECTS for word in defect.name.lower().split()}
    for key, of in truth.items():
        stem = key.split(".")[0]
        assert len(stem) == 12 and set(stem) <= set("0123456789abcdef")
        caption = (out / "pool" / f"{stem}.txt").read_text()
        assert "synthetic" not in caption and not words & {stem}
        data = (out / "pool" / key).read_bytes()
        if of.planted == "not an image":
            with pytest.raises(PictureError):
                decoding.read_header(data)
        elif of.planted == "small":
            assert min(decoding.read_header(data).width, decoding.read_header(data).height) < 256
        elif of.planted == "spam as caption":
            assert caption == damages.SPAM
        elif of.planted == "duplicate":
            original = (out / "pool" / of.group).read_bytes()
            assert data == original and of.group != key


def test_damage_is_done():
    turn = np.random.default_rng(0)
    rgb = np.full((512, 1024, 3), 255, np.uint8)
    rgb[100:400, 40:200] = (204, 24, 32)
    caption = 'The text "AB" in red on a white background.'
    source = damages.Source(rgb, caption, turn, lambda: (rgb[:, ::-1], "another caption"))
    for defect in planted.DEFECTS:
        for strength in defect.strengths:
            made, words = planted.planted(defect, source, strength)
            changed = isinstance(made, bytes) or made.shape != rgb.shape or (made != rgb).any()
            coarse = defect.name in ("dithered", "posterised")  # of few colours nothing is left out
            assert coarse or changed == bool(defect.image), defect.name
            assert (words != caption) == bool(defect.words), defect.name
    assert decoding.read_header(damages.turned(source, 6)).orientation == 6


def test_every_stage_has_something_to_catch():
    assert {defect.stage for defect in planted.DEFECTS} | SMALL >= set(entries.STAGES) - {"s6"}
    for size in (200, 1600, 2400):
        counts = [count for of in planted.DEFECTS for *_, count in planted.counts(of, size)]
        assert sum(counts) < 0.6 * size


def test_a_hidden_face_is_where_it_was():
    shown = [
        photographs.hidden_portrait(np.random.default_rng(0), how, strength)[0]
        for how, strength in (("blur", 0.25), ("mosaic", 7.0))
    ]
    assert shown[0].shape == (photographs.PORTRAIT_SIDE, photographs.PORTRAIT_SIDE, 3)
    differs = (shown[0] != shown[1]).any(2)
    assert 0.01 < differs.mean() < 0.3


def test_an_entry_of_stage_one_drops_what_was_planted_for_it(made):
    out, _ = made
    truth = pool.read(out / pool.TRUTH)
    raw, clean = (entries.curated(Entry(name), out, 1) for name in ("raw", "clean"))
    assert set(raw.captions) == set(truth)
    assert {truth[key].planted for key in clean.captions} == {pool.CLEAN}
    config = out / "mine.yaml"
    config.write_text(
        "pipelines:\n  mine:\n    stages:\n      s1:\n        resolution: 256\n"
        "        bounds: {short_side: {min: 256}, exact_better: {max: 0}}\n"
    )
    kept = entries.curated(Entry("mine", config), out, 1)
    left = {truth[key].planted for key in outcome.judged(truth, kept)}
    assert not left & {"small", "not an image", "duplicate"}
    assert "Gaussian blur" in left and kept.images_read == 0 and kept.seconds > 0
    rows = {(row["planted"], row["strength"]): row for row in outcome.by_defect(truth, kept)}
    assert rows["small", 200.0]["rules"] == {"s1 short_side.min": rows["small", 200.0]["images"]}
    (entry,) = (out / "entries").glob("mine-all-*/curated.json")
    entry.write_text(json.dumps({"captions": {}}))
    assert not entries.curated(Entry("mine", config), out, 1).captions  # it is not curated again


def _truth(key, planted="clean", stage="", group=""):
    return Truth(key, False, planted, stage, 1.0, group or key)


def test_a_copy_that_is_kept_stands_for_its_image():
    truth = {
        "a": _truth("a"),
        "b": _truth("b", "duplicate", "s1", "a"),
        "c": _truth("c", "near-duplicate", "s1", "a"),
        "d": _truth("d", "blur", "s2"),
    }
    assert outcome.judged(truth, Kept(dict.fromkeys("b"))) == {"a"}
    assert outcome.judged(truth, Kept(dict.fromkeys("bc"))) == {"a", "c"}
    assert outcome.judged(truth, Kept(dict.fromkeys("abd"))) == {"a", "b", "d"}
    assert outcome.by_stage(truth, Kept(dict.fromkeys("bd"))) == {
        "": (1, 1),
        "s1": (0, 2),
        "s2": (1, 1),
    }


def test_the_table_compares_with_raw_seed_by_seed():
    truth = {"a": _truth("a"), "d": _truth("d", "blur", "s2")}
    lines = [
        Line(
            name,
            Kept(dict.fromkeys(keys), seconds=7.0),
            [Run(name, seed, value, 0.1, 30.0, 1) for seed, value in enumerate(values)],
        )
        for name, keys, values in (("raw", "ad", (0.6, 0.5)), ("s2", "a", (0.8, 0.7)))
    ]
    first, last = outcome.table(truth, lines).splitlines()[-2:]
    assert first.split()[:4] == ["raw", "2", "-", "100"]
    assert last.split()[:4] == ["s2", "1", "-", "0"]
    assert "20.0±0.0" in last.split()


def test_entries_are_chosen_and_wrong_ones_refused(monkeypatch, capsys, tmp_path):
    def asked(*words):
        monkeypatch.setattr("sys.argv", ["curation_bench", "--out", str(tmp_path / "o"), *words])
        return bench._arguments()

    assert [entry.name for entry in bench.chosen(asked())] == list(BUILT_IN)
    config = tmp_path / "mine.yaml"
    config.write_text("pipelines: {}\n")
    own = bench.chosen(asked("--config", str(config), "--pipeline", "mine", "--stage", "s2"))
    assert [entry.name for entry in own] == ["raw", "mine"]
    folder = own[1].folder
    config.write_text("pipelines: {mine: {}}\n")
    assert own[1].folder != folder  # another configuration is another entry
    for words in (("--config", str(config)), ("--stage", "s2"), ("--pipeline", "x")):
        asked(*words)
        assert bench.main() == 2
    assert "--config" in capsys.readouterr().err
