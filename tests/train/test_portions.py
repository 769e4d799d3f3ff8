"""A batch goes through the network in portions, and learns as if it had not."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import training_shards as shards
from making.training_data import BATCH

from train import group_norms, noising, parts, stepping
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


@given(st.lists(st.integers(1, 200), min_size=1, max_size=60), st.integers(1, 3000))
def test_portions_are_all_samples_and_none_has_too_many_tokens(lengths, most):
    portions = noising.portions(lengths, most)
    assert sorted(row for rows in portions for row in rows) == list(range(len(lengths)))
    for number, rows in enumerate(portions):
        assert len(rows) == 1 or sum(lengths[row] for row in rows) <= most
        assert rows == sorted(rows)
        for other in portions[:number]:  # first-fit: the first of a portion had no room before
            before = [row for row in other if row < rows[0]]
            assert sum(lengths[row] for row in before) + lengths[rows[0]] > most


@pytest.fixture
def assembled(tmp_path):
    """A run on images of two sizes whose captions have 1 to 46 words, by tokens at once."""
    rows = shards.rows(40) + shards.rows(20, columns=3, seed=1)
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
        return run

    return call


def gradients(run):
    """Loss and gradients of the first step."""
    loss, *_ = stepping.backward(run, 1)
    names = [name for module in run.raw.values() for name, _ in module.named_parameters()]
    weights = [weight for module in run.raw.values() for weight in module.parameters()]
    return loss, {name: weight.grad for name, weight in zip(names, weights, strict=True)}


def test_the_gradient_is_that_of_the_whole_batch(assembled):
    whole, small = gradients(assembled(100_000)), gradients(assembled(100))
    assert small[0] == pytest.approx(whole[0], rel=1e-5)
    assert whole[1]["token.weight"].abs().sum() > 0
    for name, gradient in whole[1].items():
        if gradient is None:
            assert small[1][name] is None
            continue
        assert torch.allclose(gradient, small[1][name], rtol=1e-3, atol=1e-6), name


def test_every_image_counts_the_same_whatever_its_size(assembled):
    run = assembled(100)
    samples = noising.noised(run, 1)
    assert len({each.shown.latents.shape for each in samples}) == 2
    portions = list(noising.through_network(run, samples))
    assert len(portions) > 3
    for portion in portions:
        assert portion.share == 1 / BATCH
        assert int(portion.lengths.sum()) == len(portion.predicted)
    losses = [
        error.square().mean()
        for portion in portions
        for error in (portion.predicted - (portion.noise - portion.data)).split(
            portion.lengths.tolist()
        )
    ]
    total = sum(each.total.item() for each in run.configuration.objective.losses(run, 1))
    assert total == pytest.approx(torch.stack(losses).mean().item(), rel=1e-5)


def test_losses_are_counted_by_noise_size_task_and_source(assembled):
    run = assembled(100)
    loss, tally, flops, _ = stepping.backward(run, 1)
    samples = noising.noised(run, 1)
    kinds = {name.split("/")[0] for name in tally.counts}
    assert kinds == {"noise", "size", "task", "source"}
    for kind in kinds:
        own = [name for name in tally.counts if name.startswith(kind)]
        assert sum(tally.counts[name] for name in own) == BATCH
        assert sum(tally.sums[name] for name in own) / BATCH == pytest.approx(loss)
    low = sum(each.sigma <= 0.3 for each in samples)
    assert tally.counts.get("noise/0.0-0.3", 0) == low
    wide = sum(each.shown.latents.shape[2] == 6 for each in samples)
    assert 0 < wide < BATCH
    assert (tally.counts["size/48x16"], tally.counts["size/32x16"]) == (wide, BATCH - wide)
    assert tally.means()["size/48x16"] == tally.sums["size/48x16"] / wide
    whole = assembled(100_000)
    assert flops == stepping.backward(whole, 1)[2] > 0  # portions add up


def test_gradients_of_groups_are_those_of_their_samples_alone(assembled):
    run = assembled(100)
    _, tally, *_ = stepping.backward(run, 1)
    weights = [weight for module in run.raw.values() for weight in module.parameters()]
    together = [weight.grad for weight in weights]
    for weight in weights:
        weight.grad = None
    norms = group_norms.by_group(run, 1, tally.counts)
    assert all(weight.grad is None for weight in weights)
    assert norms.keys() == {group for group in tally.counts if group.startswith(("noise", "size"))}
    shares = {group: tally.counts[group] / BATCH for group in norms}
    for kind in ("noise", "size"):  # the step's gradient is the mean of those of groups
        own = [group for group in norms if group.startswith(kind)]
        assert sum(shares[group] * norms[group] for group in own) > _norm(together)
    samples = noising.noised(run, 1)
    wide = [each for each in samples if each.shown.latents.shape[2] == 6]
    for portion in noising.through_network(run, wide):
        error = portion.by_sample(
            (portion.predicted - (portion.noise - portion.data)).square().mean(-1)
        )
        (error.sum() / len(wide)).backward()
    alone = _norm([weight.grad for weight in weights])
    assert norms["size/48x16"] == pytest.approx(alone, rel=1e-4)


def _norm(gradients):
    return float(torch.stack([each.norm() for each in gradients if each is not None]).norm())
