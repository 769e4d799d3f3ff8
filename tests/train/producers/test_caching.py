"""What was encoded once is not encoded again, whichever step shows it next."""

import pytest
import torch
from making.produced import LAST, opened

from train.data import latents
from train.producers.caching import Cache, Known
from train.producers.consuming import UnitBatches
from train.producers.counters import Counters
from train.producers.making import Maker


def cached(made, most=1 << 40):
    known = Known(made.folder)
    maker = Maker(made.workshop.plan, made.workshop.maker._encoder, 0, known.get)
    counters = Counters()
    cache = Cache(made.folder, maker, known, most, counters)
    return UnitBatches(made.workshop.plan, cache, counters, made.said.append), counters


@pytest.fixture
def encoded(monkeypatch):
    """How many images were encoded."""
    count, encode = [], latents.encode

    def counted(autoencoder, pixels):
        count.append(pixels.shape)
        return encode(autoencoder, pixels)

    monkeypatch.setattr(latents, "encode", counted)
    return count


def assert_equal(batches, others, steps):
    for step in steps:
        pairs = zip(batches.at(step), others.at(step), strict=True)
        for (place, ours), (there, theirs) in pairs:
            assert place == there
            assert torch.equal(ours.latents, theirs.latents)
            assert (ours.planned, ours.source) == (theirs.planned, theirs.source)
            assert (ours.task, ours.caption_dropout) == (theirs.task, theirs.caption_dropout)
            assert ours.caption in ("", theirs.caption)


def test_a_later_epoch_reads_no_image_that_is_kept(tmp_path, encoded):
    made = opened(tmp_path, caption_dropout=0.0, memory_bytes=1 << 20)
    rows = len(made.batches.stretches[0].streams[0].rows)
    batches, counters = cached(made)
    steps = range(1, 2 * LAST + 1)
    for step in steps:
        batches.at(step)
    assert len(encoded) == rows < 16 * len(steps)
    assert counters.values()["units_made"] == 4
    encoded.clear()
    again, counters = cached(made)  # another run
    assert_equal(
        again,
        opened(
            tmp_path / "b",
            str(tmp_path / "data" / "*.parquet"),
            caption_dropout=0.0,
            memory_bytes=1 << 20,
        ).batches,
        steps,
    )
    assert counters.values()["units_made"] == 0


def test_a_damaged_unit_is_made_again(tmp_path):
    made = opened(tmp_path)
    batches, _ = cached(made)
    batches.at(1)
    (span,) = made.workshop.plan.at(1).spans.at(1)
    path = made.folder.unit(span.name)
    content = path.read_bytes()
    at = len(content) // 2
    path.write_bytes(content[:at] + bytes([content[at] ^ 8]) + content[at + 1 :])
    again, counters = cached(made)
    assert_equal(again, made.batches, range(1, 9))
    assert (counters.values()["units_damaged"], counters.values()["units_made"]) == (1, 1)
    assert path.read_bytes() == content


def test_what_is_dropped_is_made_again(tmp_path):
    made = opened(tmp_path)
    batches, _ = cached(made, most=1)
    assert_equal(batches, made.batches, [*range(1, LAST + 1), 1])
    assert len(made.folder.names()) == 1
