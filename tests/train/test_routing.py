"""Image tokens that go around the middle blocks: nobody sees them there, and they come back."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from curation.failures.errors import UsageError
from train import noising, phases
from train.configuration import Configuration
from train.models.qwen_image import QwenImage
from train.models.qwen_image_21 import QwenImage21
from train.packing import routing
from train.packing.attention import bidirectional, block_causal
from train.packing.layout import Layout
from train.packing.packed import Packed

SIZE = {"layers": 7, "heads": 2, "head_width": 16, "rope_axes": (4, 6, 6)}
FAMILIES = {"qwen_image": QwenImage(**SIZE), "qwen_image_21": QwenImage21(**SIZE)}
VISIBLE = {"qwen_image": bidirectional, "qwen_image_21": block_causal}


def prepared(name):
    """A network with weights that say something, and a batch of two samples."""
    family = FAMILIES[name]
    torch.manual_seed(0)
    network = family.build(4, 8)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    samples = (family.sample([5], (4, 6), []), family.sample([3, 2], (2, 4), [(4, 4)]))
    layout = Layout(samples)
    image = torch.randn(layout.tokens - sum(layout.text_lengths), network.image_in.in_features)
    text = torch.randn(sum(layout.text_lengths), 8)
    return network, Packed(text, image, torch.tensor([0.3, 0.8]), layout)


def chosen(layout, around=0.5):
    random = torch.Generator().manual_seed(1)
    choices = [routing.kept(sample, around, random) for sample in layout.samples]
    return np.flatnonzero(np.concatenate(choices))


def unseen(name, layout, kept):
    """Attention of all joined tokens in which those that go around are seen by nobody."""
    sees = torch.zeros(layout.tokens, layout.tokens, dtype=torch.bool)
    for part in VISIBLE[name](layout):
        block = torch.ones(part.end - part.start, part.end - part.seen_from, dtype=torch.bool)
        offset = part.start - part.seen_from
        block = block.tril(offset) if part.causal else block
        sees[part.start : part.end, part.seen_from : part.end] = block
    inside = torch.zeros(layout.tokens, dtype=torch.bool)
    inside[torch.from_numpy(routing.joined(layout, kept))] = True
    sees &= inside

    def attend(*query_key_value):
        query, key, value = (each.transpose(0, 1) for each in query_key_value)
        return scaled_dot_product_attention(query, key, value, attn_mask=sees).transpose(0, 1)

    return attend, inside


def around(name, network, layout, kept):
    """Let the middle blocks compute everything, and put back what goes around."""
    attend, inside = unseen(name, layout, kept)
    of_image = torch.from_numpy(kept)

    def first(forward):
        def call(text, image, condition, where):
            text, changed = forward(text, image, condition, replace(where, attend=attend))
            return text, image.index_copy(0, of_image, changed[of_image])

        return call

    def second(forward):
        def call(tokens, modulation, row, turn, _, targets):
            changed = forward(tokens, modulation, row, turn, attend, targets)
            return torch.where(inside[:, None], changed, tokens)

        return call

    for number in (2, 3):
        block = network.blocks[number]
        block.forward = (first if name == "qwen_image" else second)(block.forward)


@pytest.mark.parametrize("name", FAMILIES)
def test_middle_blocks_see_only_what_goes_through_them(name):
    network, packed = prepared(name)
    assert FAMILIES[name].middle == range(2, 4)
    kept = chosen(packed.layout)
    assert len(kept) == len(packed.image) // 2
    routed = network(replace(packed, kept=kept))
    routed.square().sum().backward()
    gradients = {key: weight.grad for key, weight in network.named_parameters()}
    plain = network(packed)
    network.zero_grad()
    around(name, network, packed.layout, kept)
    expected = network(packed)
    expected.square().sum().backward()
    assert torch.allclose(routed, expected, atol=1e-5)
    assert (routed - plain).abs().max() > 1e-3
    for key, weight in network.named_parameters():
        if weight.grad is not None:
            assert torch.allclose(gradients[key], weight.grad, rtol=1e-3, atol=1e-4), key


@pytest.mark.parametrize("name", FAMILIES)
def test_where_all_go_through_nothing_changes(name):
    network, packed = prepared(name)
    with torch.no_grad():
        every = replace(packed, kept=chosen(packed.layout, around=0.0))
        assert torch.allclose(network(every), network(packed), atol=1e-6)


@given(st.integers(0, 2**32), st.floats(0, 0.99))
def test_each_image_keeps_its_share(seed, share):
    sample = FAMILIES["qwen_image"].sample([3], (4, 6), [(1, 1)])
    kept = routing.kept(sample, share, torch.Generator().manual_seed(seed))
    assert len(kept) == 25
    assert sum(kept[:24]) == max(1, 24 - round(share * 24))
    assert kept[24]  # a single token always stays


def test_what_goes_around_is_counted_less():
    layout = prepared("qwen_image")[1].layout
    short = routing.shortened(layout, chosen(layout))
    assert short.text_lengths == layout.text_lengths
    assert short.target_lengths == tuple(count // 2 for count in layout.target_lengths)


def test_tread_is_an_option_of_a_phase():
    given = {"preset": "x", "steps": 9, "model": {"name": "qwen_image", **SIZE}}
    changes = {"phases": [{"steps": 5, "tread": 0.5}, {}]}
    built = phases.of_run(Configuration.model_validate(given | changes), "x")
    assert [phase.tread for phase in built] == [0.5, 0.0]
    given["model"] |= {"layers": 5}
    with pytest.raises(
        UsageError, match=r"phases\[0\].tread: model qwen_image of this size has no"
    ):
        phases.of_run(Configuration.model_validate(given | changes), "x")


def test_which_go_around_depends_on_seed_step_and_place():
    sample = FAMILIES["qwen_image"].sample([3], (4, 6), [])

    def kept(seed, share=0.5):
        shown = noising.Noised(None, "", torch.zeros(1), 0.5, share, seed)
        return noising._kept([shown], [sample])

    assert kept(1).tolist() == kept(1).tolist() != kept(2).tolist()
    assert kept(1, share=0.0) is None
