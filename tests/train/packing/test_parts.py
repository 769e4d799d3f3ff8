"""What both packed networks are built of, each beside another way to compute the same."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from diffusers.models.embeddings import Timesteps
from diffusers.models.normalization import RMSNorm
from diffusers.models.transformers.transformer_qwenimage import apply_rotary_emb_qwen

from train.packing import rotary, rows
from train.packing.norms import RmsNorm, rms_norm
from train.packing.time_embedding import TimeEmbedding, sinusoid


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_halves_turn_as_pairs_do_in_complex_numbers():
    positions = np.array([[0, -3, 7], [2, 0, 1], [5, 5, 5]])
    by = rotary.rotation(positions, (4, 6, 6))
    pairs = normal(3, 2, 16)
    complex_angles = torch.polar(torch.ones(3, 8), torch.atan2(by.sin, by.cos)[:, 0])
    expected = apply_rotary_emb_qwen(pairs[None], complex_angles, use_real=False)[0]
    turned = rotary.rotate(pairs[..., rotary.halves(16)], by)
    torch.testing.assert_close(turned, expected[..., rotary.halves(16)])


def test_an_axis_turns_its_own_values_alone():
    by = rotary.rotation(np.array([[0, 4, 0]]), (4, 6, 6))
    assert by.cos[0, 0, :2].tolist() == [1, 1]
    assert by.cos[0, 0, 5:].tolist() == [1, 1, 1]
    assert torch.allclose(by.cos[0, 0, 2], torch.tensor(4.0).cos())


def test_sinusoid_and_norm_are_those_of_diffusers():
    sigma = torch.tensor([0.0, 0.7371, 1.0])
    theirs = Timesteps(256, flip_sin_to_cos=True, downscale_freq_shift=0, scale=1000)(sigma)
    assert torch.equal(sinusoid(sigma), theirs)
    norm, reference = RmsNorm(8), RMSNorm(8, eps=1e-6)
    weight = normal(8, seed=1)
    with torch.no_grad():
        norm.weight.copy_(weight)
        reference.weight.copy_(weight)
    torch.testing.assert_close(norm(normal(5, 8)), reference(normal(5, 8)))


def test_noise_levels_are_rounded_in_parity_mode_alone():
    embedding = TimeEmbedding(8, bias=True).to(torch.bfloat16)
    exact, rounded = torch.tensor([0.7371]), torch.tensor([0.73828125])
    apart = embedding(exact, torch.bfloat16)
    assert not torch.equal(apart, embedding(rounded, torch.bfloat16))
    embedding.rounds = True
    assert torch.equal(embedding(exact, torch.bfloat16), embedding(rounded, torch.bfloat16))
    assert not torch.equal(embedding(exact, torch.bfloat16), apart)


def gradients(function, *tensors):
    """The value and the gradients of a sum with many weights."""
    given = [tensor.clone().requires_grad_() for tensor in tensors]
    value = function(*given)
    (value * torch.linspace(-1, 1, value.numel()).view_as(value)).sum().backward()
    return [value.detach(), *(tensor.grad for tensor in given)]


INDICES = {"any": [2, 0, 0, 2, 1, 1], "even": [0, 0, 1, 1, 2, 2]}


def read(name):
    """The rows that tokens read of a table of three."""
    made = rows.Rows.of(np.array(INDICES[name]), 3, "cpu")
    assert made.even == (name == "even")
    return made


def plainly_modulated(tokens, table, index):
    shift, scale = table[index].chunk(2, dim=-1)
    return torch.nn.functional.layer_norm(tokens, (4,), eps=1e-6) * (1 + scale) + shift


def plainly_scaled(tokens, table, index):
    return torch.nn.functional.layer_norm(tokens, (4,), eps=1e-6) * (1 + table[index])


PLAIN = {"shift and scale": (plainly_modulated, 8), "scale": (plainly_scaled, 4)}


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("by_matrices", [False, True])
@pytest.mark.parametrize("kind", PLAIN)
def test_modulation_by_rows_is_that_of_plain_indexing(kind, by_matrices, name):
    (plain, width), own = PLAIN[kind], read(name)
    given = normal(6, 4), normal(3, width, seed=1)
    with patch.object(torch.compiler, "is_compiling", lambda: by_matrices):
        measured = gradients(lambda *tensors: rows.modulated(*tensors, own), *given)
    plainly = gradients(lambda *tensors: plain(*tensors, own.index), *given)
    for each, expected in zip(measured, plainly, strict=True):
        torch.testing.assert_close(each, expected)


@pytest.mark.parametrize("name", INDICES)
def test_a_gate_by_rows_is_that_of_plain_indexing(name):
    own = read(name)
    given = normal(6, 4), normal(6, 4, seed=1), normal(3, 4, seed=2)
    measured = gradients(lambda *tensors: rows.gated(*tensors, own), *given)
    expected = gradients(lambda kept, change, table: kept + change * table[own.index], *given)
    for each, other in zip(measured, expected, strict=True):
        torch.testing.assert_close(each, other)


def test_rows_that_only_begin_in_order_are_looked_up():
    for index in ([0, 0, 1, 1, 2], [0, 1, 1, 0, 2, 2], [0, 0, 1, 1]):
        assert not rows.Rows.of(np.array(index), 3, "cpu").even


def test_an_order_and_its_gradient_are_those_of_plain_indexing():
    order = torch.tensor([3, 1, 0, 2])
    measured = gradients(lambda values: rows.reorder(values, order, order.argsort()), normal(4, 2))
    for each, expected in zip(measured, gradients(lambda v: v[order], normal(4, 2)), strict=True):
        assert torch.equal(each, expected)


def test_queries_and_keys_are_normed_and_turned_as_step_by_step():
    by = rotary.rotation(np.array([[0, -3, 7], [2, 0, 1], [5, 5, 5]]), (4, 6, 6))
    given = normal(3, 2, 2, 16), normal(2, 16, seed=1)
    measured = gradients(lambda v, w: rotary.normed_and_turned(v, w, by), *given)
    expected = gradients(lambda v, w: rotary.rotate(rms_norm(v, w), by), *given)
    for each, other in zip(measured, expected, strict=True):
        torch.testing.assert_close(each, other)
