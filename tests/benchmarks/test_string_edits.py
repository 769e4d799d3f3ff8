"""Pairs that a small model learns edits from are exact, and no text is on both sides."""

import numpy as np

from benchmarks import string_edits
from benchmarks.edits_judged import _figures, _lines_right, _reader
from benchmarks.string_edits import LINE, OPERATIONS


def test_only_the_line_that_is_named_changes():
    pen = string_edits.face()
    made = list(string_edits.pairs(3, 40, held_out=True))
    assert {pair.operation for pair in made} == set(OPERATIONS)
    for pair in made:
        before, after = (string_edits.page(pen, lines) for lines in (pair.before, pair.after))
        assert before.shape == after.shape == (64, 64, 3)
        rows = np.flatnonzero((before != after).any((1, 2)))
        assert (rows // LINE[1] == pair.place).all()
        assert (("first", "second")[pair.place]) in pair.instruction
        assert pair.after[pair.place].text in pair.instruction or pair.operation != "text.replace"


def test_no_held_out_text_is_trained_on():
    texts = [
        {
            line.text
            for pair in string_edits.pairs(1, 300, held_out=held_out)
            for line in (*pair.before, *pair.after)
        }
        - {""}
        for held_out in (True, False)
    ]
    assert not texts[0] & texts[1]
    assert min(map(len, texts)) > 100


def test_the_truth_is_judged_right_and_a_shifted_page_is_not():
    import torch

    from train.pixels import scaled

    pen = string_edits.face()
    made = list(string_edits.pairs(5, 30, held_out=True))
    truth = torch.cat([scaled(string_edits.page(pen, pair.after)) for pair in made])
    figures = _figures(_reader(pen), made, truth, truth)
    assert {figures[name] for name in (*OPERATIONS, "unchanged_line")} == {1.0}
    assert (figures["unchanged_psnr"], figures["largest_shift"]) == (100.0, 0.0)
    moved = _figures(_reader(pen), made, truth.roll(2, 3), truth)
    assert moved["largest_shift"] == 2
    assert moved["unchanged_psnr"] < 30
    before = torch.cat([scaled(string_edits.page(pen, pair.before)) for pair in made])
    left = _figures(_reader(pen), made, before, truth)
    assert left["unchanged_line"] == 1
    assert max(left[name] for name in OPERATIONS) == 0


def test_judged_pairs_are_read_by_the_benchmark_of_exact_edits(tmp_path):
    from infer.harness import edit_pairs, exact_results

    made = list(string_edits.pairs(7, 12, held_out=True))
    path = tmp_path / "part.parquet"
    string_edits.write_judged(path, made)
    pairs = edit_pairs.read([str(path)])
    assert [pair.operation for pair in pairs] == [pair.operation for pair in made]
    for read, pair in zip(pairs, made, strict=True):
        kept = exact_results._unchanged(read, False, (64, 64))
        assert kept.sum() == 64 * LINE[1] and not kept[pair.place * LINE[1]].any()
        before, after = pair.before[pair.place].text, pair.after[pair.place].text
        new, gone = edit_pairs.changed(read, read)
        assert new == ((after,) if after not in ("", before) else ())
        assert set(gone) <= {before} and (pair.operation != "text.recolour" or not gone)


def test_pages_and_pairs_are_shown_for_their_tasks(tmp_path):
    from train.configuration import Configuration
    from train.data import loading
    from train.data.loading import Sources

    pages = list(string_edits.pages(1, 12, held_out=False))
    string_edits.write(tmp_path / "part-pages.parquet", pages)
    string_edits.write(tmp_path / "part-pairs.parquet", string_edits.pairs(1, 12, held_out=False))
    given = {
        "preset": "test",
        "batch": 12,
        "data": {"tasks": {"t2i": 1, "ti2i": 1}, "held_out": 0, "references": "latents"},
        "autoencoder": {"channels": 8, "factor": 16},
        "model": {"patch": 1},
    }
    settings = Configuration.model_validate(given)
    shown = loading.load(Sources(str(tmp_path / "part-*.parquet")), settings).at(1)
    captions = {string_edits.caption(lines) for lines in pages}
    assert [len(each.references) for each in shown].count(1) == 6
    for each in shown:
        assert (each.caption in captions) == (each.task == "t2i") == (not each.references)
        assert each.latents.shape == (8, 4, 4)


def test_every_line_of_a_page_counts():
    import torch

    from train.pixels import scaled

    pen = string_edits.face()
    pages = list(string_edits.pages(2, 10, held_out=True))
    made = torch.cat([scaled(string_edits.page(pen, lines)) for lines in pages])
    assert _lines_right(_reader(pen), pages, made) == 1
    made[:5, :, LINE[1] :] = made[5:, :, LINE[1] :]
    assert _lines_right(_reader(pen), pages, made) == 0.75
    assert string_edits.caption(pages[0]).count(f'"{pages[0][0].text}" in ') == 1
