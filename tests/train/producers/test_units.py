"""A unit on disk: what comes out is what went in, to the bit, or it is said that it is not."""

import io
import random

import pytest
import torch

from curation.failures.errors import UsageError
from train.data.batches import Shown
from train.producers import units
from train.producers.units import Unit, UnitError

ABOUT = {"name": "n", "encoders": {"autoencoder": "a", "text_encoder": "t"}}


def samples():
    """A text-to-image sample, an edit with two references and three stretches, one of each type."""
    chance = torch.Generator().manual_seed(0)

    def numbers(*shape):
        return torch.randn(shape, generator=chance)

    edit = (numbers(2, 5, 1), numbers(2, 3, 3))
    text = (numbers(0, 6), numbers(3, 6).bfloat16(), numbers(1, 6).half())
    return [
        Shown(numbers(2, 3, 4).bfloat16().float(), "a", 0.1, "t2i", 0, id="x", planned=7),
        Shown(numbers(2, 2, 2), "ü", 0.0, "ti2i", 1, edit, id="y", planned=8, features=text),
    ]


def written(path, about=ABOUT):
    rows = [
        units.entry(step, place, shown, shown.caption, ("00", "01"))
        for step in (3, 4)
        for place, shown in enumerate(samples())
    ]
    stream = io.BytesIO()
    units.write(stream, rows, about)
    path.write_bytes(stream.getvalue())
    return path


def test_what_comes_out_is_what_went_in_to_the_bit(tmp_path):
    unit = Unit(written(tmp_path / "a.arrow"))
    unit.check("n", ABOUT["encoders"])
    for step in (3, 4):
        assert unit.places(step) == [0, 1]
        for place, given in enumerate(samples()):
            came = unit.shown(step, place)
            assert (came.caption, came.caption_dropout, came.task) == (
                given.caption,
                given.caption_dropout,
                given.task,
            )
            assert (came.source, came.id, came.planned) == (given.source, given.id, given.planned)
            assert (came.features is None) == (given.features is None)
            pairs = zip(
                (came.latents, *came.references, *(came.features or ())),
                (given.latents, *given.references, *(given.features or ())),
                strict=True,
            )
            for one, two in pairs:
                assert one.dtype == two.dtype
                assert torch.equal(one, two)


def test_latents_that_are_bf16_take_half_and_come_back_in_32_bits(tmp_path):
    exact, other = (units.entry(1, 0, each, "", ("", ""))["tensors"][0] for each in samples())
    assert (exact["dtype"], other["dtype"]) == ("torch.bfloat16", "torch.float32")


def test_the_same_content_is_the_same_bytes(tmp_path):
    assert written(tmp_path / "a").read_bytes() == written(tmp_path / "b").read_bytes()


def test_a_flipped_bit_anywhere_is_told_or_changes_nothing(tmp_path):
    """In a file of a few kilobytes padding is much; wherever a value is, the flip must be told."""
    good = written(tmp_path / "a.arrow").read_bytes()
    expected = [Unit(tmp_path / "a.arrow").shown(3, place) for place in (0, 1)]
    chance, told, bad = random.Random(0), 0, tmp_path / "bad.arrow"
    for _ in range(300):
        at = chance.randrange(len(good))
        bad.write_bytes(good[:at] + bytes([good[at] ^ 1 << chance.randrange(8)]) + good[at + 1 :])
        try:
            unit = Unit(bad)
            unit.check("n", ABOUT["encoders"])
            came = [unit.shown(3, place) for place in (0, 1)]
            [unit.shown(4, place) for place in (0, 1)]
        except UnitError as error:
            told += 1
            assert str(bad) in str(error)
            assert "delete the file" in str(error)
        else:
            for one, two in zip(came, expected, strict=True):
                assert torch.equal(one.latents, two.latents)
                assert (one.caption, one.id, one.planned) == (two.caption, two.id, two.planned)
    assert told > 100


def test_a_flipped_bit_in_a_tensor_names_the_entry(tmp_path):
    path = written(tmp_path / "a.arrow")
    good = path.read_bytes()
    value = samples()[1].latents.numpy().tobytes()
    at = good.index(value) + 5
    path.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :])
    unit = Unit(path)
    unit.shown(3, 0)
    with pytest.raises(UnitError, match=r"a\.arrow: step 3, place 1, id y: .*checksum"):
        unit.shown(3, 1)


def test_half_a_file_and_no_file_of_ours_are_told(tmp_path):
    path = written(tmp_path / "a.arrow")
    for content in (path.read_bytes()[:-100], b"", b"ARROW1 is what it begins with"):
        path.write_bytes(content)
        with pytest.raises(UnitError, match=r"a\.arrow: file: expected what a producer wrote"):
            Unit(path)


def test_another_unit_and_another_encoder_are_told(tmp_path):
    unit = Unit(written(tmp_path / "a.arrow"))
    with pytest.raises(UnitError, match=r"name: .*it holds n"):
        unit.check("m", {})
    with pytest.raises(UnitError, match=r"text_encoder: expected fingerprint other, not t: .*path"):
        unit.check("n", {"autoencoder": "a", "text_encoder": "other"})


def test_more_than_a_unit_holds_is_refused(monkeypatch):
    monkeypatch.setattr(units, "MOST_BYTES", 64)
    with pytest.raises(UsageError, match="expected 64 at most"):
        written_rows = [units.entry(1, 0, samples()[1], "", ("", ""))]
        units.write(io.BytesIO(), written_rows, ABOUT)
