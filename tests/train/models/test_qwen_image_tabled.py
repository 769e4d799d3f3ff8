"""Modulation from a table: the same bits from a third of the weights less."""

import copy
from dataclasses import replace

import pytest
import torch
from making.packed_qwen import MIXED, OPTIONS, ours, packed, singles, theirs

from train.models.qwen_image.config import Config
from train.models.qwen_image.network import PackedQwenImage
from train.models.qwen_image.tabled import Tables

SIGMAS = (1.0, 0.7371, 0.25, 0.02)


def tabled_at(network, sigmas, additional=0):
    Tables(network, additional).cover(sigmas)
    return network


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("option", OPTIONS)
def test_outputs_keep_their_bits(option, dtype, tmp_path):
    network = ours(theirs(OPTIONS[option], dtype=dtype), tmp_path)
    additional = torch.tensor([1])
    tabled = tabled_at(copy.deepcopy(network), SIGMAS, additional=1)
    for single, sigma in zip(singles(packed(MIXED, dtype=dtype)), SIGMAS, strict=True):
        at = replace(single, sigma=torch.tensor([sigma]))
        with torch.no_grad():
            assert torch.equal(tabled(at, additional), network(at, additional))


def test_a_batch_takes_each_sample_at_its_own_level(tmp_path):
    network = ours(theirs(OPTIONS["zero_cond_t"]), tmp_path)
    batch = replace(packed(MIXED), sigma=torch.tensor([0.25, 1.0, 0.02, 0.25]))
    with torch.no_grad():
        expected = network(batch)
        torch.testing.assert_close(tabled_at(network, SIGMAS)(batch), expected)


def test_other_noise_levels_are_refused(tmp_path):
    tabled = tabled_at(ours(theirs(OPTIONS["layered"]), tmp_path), SIGMAS)
    batch = replace(packed(MIXED), sigma=torch.tensor([0.25, 1.0, 0.02, 0.5]))
    with pytest.raises(ValueError, match=r"modulation was tabled for \[1.0"):
        tabled(batch)
    with pytest.raises(ValueError, match="modulation was tabled for"):
        tabled(replace(batch, sigma=torch.ones(4)), torch.ones(4, dtype=torch.long))


def test_levels_may_follow_later(tmp_path):
    network = ours(theirs(OPTIONS["zero_cond_t"]), tmp_path)
    batch = replace(packed(MIXED), sigma=torch.tensor([0.25, 1.0, 0.02, 0.25]))
    with torch.no_grad():
        expected = network(batch)
        tables = Tables(network)
        tables.cover(SIGMAS[:2])
        with pytest.raises(ValueError, match="modulation was tabled for"):
            network(batch)
        before = sum(weight.numel() for weight in network.parameters())
        tables.cover(SIGMAS)
        torch.testing.assert_close(network(batch), expected)
    assert sum(weight.numel() for weight in network.parameters()) == before
    assert not any("modulation" in name for name, _ in network.named_parameters())


def test_a_third_of_the_published_weights_goes():
    with torch.device("meta"):
        network = PackedQwenImage(Config())
    before = network.parameter_count()
    for block in network.blocks:
        del block.modulation
    del network.modulation_out, network.conditioning
    assert 0.33 < 1 - network.parameter_count() / before < 0.34
