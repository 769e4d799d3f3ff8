"""A batch that is divided among processes is the batch of one, and each reads its own images."""

import pytest
import torch
from making import training_shards as shards
from making.training_data import BATCH, load


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    return shards.write_all(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("ranks", [2, 3, BATCH])
def test_parts_are_the_batch_and_alike_in_pixels(pattern, ranks):
    loaded = load(pattern, sizes=[], held_out=0.2)
    for step in (1, 2, 9):
        together = dict(loaded.batches.at(step))
        parts = [dict(loaded.batches.at(step, rank, ranks)) for rank in range(ranks)]
        assert sorted(place for part in parts for place in part) == list(range(BATCH))
        for part in parts:
            for place, shown in part.items():
                assert torch.equal(shown.latents, together[place].latents)
                assert shown.caption == together[place].caption
        pixels = [sum(shown.latents[0].numel() for shown in part.values()) for part in parts]
        largest = max(shown.latents[0].numel() for shown in together.values())
        assert max(pixels) - min(pixels) <= largest


def test_a_process_reads_its_own_images_alone(pattern):
    read = []
    for rank in range(2):
        batches = load(pattern, sizes=[], held_out=0.2).batches
        batches._ahead = dict.fromkeys(batches._ahead, 1)  # no further than the step
        batches.latents[0]._kept.clear()  # what was read to fit the autoencoder
        batches.at(1, rank, 2)
        read.append(set(batches.latents[0]._kept))
    assert not read[0] & read[1]
    assert len(read[0] | read[1]) == BATCH
