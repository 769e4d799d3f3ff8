"""Attention pass by pass beside one dense mask, and that samples alike go together."""

from unittest.mock import patch

import pytest
import torch

from train.packing import attention
from train.packing.attention import bidirectional, block_causal, pass_by_pass
from train.packing.layout import ImageSpan, Layout, TextSpan

ALIKE = (TextSpan(3), ImageSpan(2, 2, False), ImageSpan(1, 2, True))
OTHER = (TextSpan(2), TextSpan(4), ImageSpan(2, 1, True))
LAYOUT = Layout((ALIKE, OTHER, ALIKE, (ImageSpan(1, 1, True),), OTHER))


def dense(rule):
    """(J, J) what may be seen, token by token."""
    sees = torch.zeros(LAYOUT.tokens, LAYOUT.tokens, dtype=torch.bool)
    sample = torch.repeat_interleave(torch.tensor(LAYOUT.lengths))
    image = torch.full((LAYOUT.tokens,), -1)
    for number, (_, place, span) in enumerate(LAYOUT.spans()):
        if isinstance(span, ImageSpan):
            image[place : place + span.tokens] = number
    for query in range(LAYOUT.tokens):
        for key in range(LAYOUT.tokens):
            together = key <= query or (image[query] >= 0 and image[query] == image[key])
            sees[query, key] = sample[query] == sample[key] and (rule is bidirectional or together)
    return sees


@pytest.mark.parametrize("rule", [bidirectional, block_causal])
def test_values_and_gradients_are_those_of_a_dense_mask(rule):
    generator = torch.Generator().manual_seed(0)
    shape = (3, LAYOUT.tokens, 2, 4)
    results = []
    for kind in ("passes", "dense"):
        given = torch.randn(shape, generator=generator.manual_seed(0), requires_grad=True)
        if kind == "passes":
            seen = pass_by_pass(rule(LAYOUT))(*given)
        else:
            heads = given.transpose(1, 2)
            seen = torch.nn.functional.scaled_dot_product_attention(
                *heads[:, None], attn_mask=dense(rule)
            )[0].transpose(0, 1)
        (seen * torch.linspace(0, 1, seen.numel()).view_as(seen)).sum().backward()
        results.append((seen, given.grad))
    for measured, expected in zip(*results, strict=True):
        torch.testing.assert_close(measured, expected)


@pytest.mark.parametrize(("rule", "calls"), [(bidirectional, 3), (block_causal, 3 + 3 + 1)])
def test_samples_alike_are_one_call(rule, calls):
    kernel = attention.scaled_dot_product_attention
    with patch.object(attention, "scaled_dot_product_attention", side_effect=kernel) as counted:
        pass_by_pass(rule(LAYOUT))(*torch.ones(3, LAYOUT.tokens, 1, 2))
    assert counted.call_count == calls
