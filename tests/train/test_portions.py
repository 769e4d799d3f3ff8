"""A batch goes through the network in portions, and learns as if it had not."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import training_shards as shards
from making.training_data import BATCH

from train import loop, noising, parts
from train.configuration import Configuration
from train.data import loading
from train.data.loading import Sources

TINY = {
    "preset": "test",
    "batch": BATCH,
    "precision": "fp32",
    "autoencoder": {"channels": 8},
    "text_encoder": {"width": 16},
    "model": {"layers": 1, "heads": 1, "head_width": 16, "rope_axes": (4, 6, 6)},
}


@given(
    st.lists(st.integers(1, 200), min_size=1, max_size=60), st.integers(1, 64), st.integers(1, 3000)
)
def test_portions_are_all_rows_and_none_has_too_many_tokens(lengths, tokens, most):
    shown = []
    for rows, longest in noising.portions(lengths, tokens, most):
        places = list(range(len(lengths))[rows]) if isinstance(rows, slice) else rows
        assert longest == max(lengths[place] for place in places)
        assert len(places) == 1 or len(places) * (tokens + longest) <= most
        shown += places
    assert sorted(shown) == list(range(len(lengths)))


@pytest.fixture
def gradients(tmp_path):
    """Loss and gradients of the first step by the most tokens at once."""
    rows = shards.rows(40)
    for number, row in enumerate(rows):
        row["caption_recaption"] = [{"text": "word " * (1 + 3 * (number % 16))}]
    shards.write(tmp_path / "a.parquet", rows)

    def call(most):
        configuration = Configuration.model_validate(TINY | {"tokens_at_once": most})
        data = loading.load(Sources(str(tmp_path)), configuration)
        run = parts.assemble(configuration, data, "cpu")
        for module in run.raw.values():  # or all gradients but the last layer's are zero
            for weight in module.parameters():
                torch.nn.init.normal_(
                    weight, std=0.1, generator=torch.Generator().manual_seed(weight.numel())
                )
        loss = loop._backward(run, 1)
        names = [name for module in run.raw.values() for name, _ in module.named_parameters()]
        weights = [weight for module in run.raw.values() for weight in module.parameters()]
        return loss, {name: weight.grad for name, weight in zip(names, weights, strict=True)}

    return call


def test_the_gradient_is_that_of_the_whole_batch(gradients):
    whole, small = gradients(100_000), gradients(100)
    assert small[0] == pytest.approx(whole[0], rel=1e-5)
    assert whole[1]["token.weight"].abs().sum() > 0
    for name, gradient in whole[1].items():
        if gradient is None:
            assert small[1][name] is None
            continue
        assert torch.allclose(gradient, small[1][name], rtol=1e-3, atol=1e-6), name
