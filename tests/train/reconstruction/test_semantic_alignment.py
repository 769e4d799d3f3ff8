"""Semantic alignment of an autoencoder's latents: its formula, balance, schedule and teacher."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from curation.failures.errors import UsageError
from train import alignment
from train.autoencoders import residual
from train.objectives.reconstruction import Cut, Reconstruction
from train.reconstruction import teaching
from train.reconstruction.assembled import Reconstructing
from train.terms.pixels import Pixels
from train.terms.semantic_alignment import Later, SemanticAlignment
from train.terms.term import BALANCE_FLOOR, Seen
from train.tuning import ResidualConfiguration


class Averages:
    """A teacher that sees the mean colours of squares of 8 pixels, and their products."""

    width, stride = 6, 8

    def __call__(self, pixels):
        seen = adaptive_avg_pool2d(pixels, [side // 8 for side in pixels.shape[2:]])
        return torch.cat([seen, seen.roll(1, 1) * seen], dim=1)


@pytest.fixture
def term(monkeypatch):
    """Its teacher is ``Averages``."""
    monkeypatch.setattr(alignment, "encoder", lambda *_: Averages())
    return SemanticAlignment(weight=0.5, cosine_margin=0.1, similarity_margin=0.05)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def slow(projected, features, cosine_margin, similarity_margin):
    """The formula of the paper in plain loops over places, (n,)."""

    def cosine(one, other):
        return float(one @ other / np.sqrt(one @ one) / np.sqrt(other @ other))

    losses = []
    for own, wanted in zip(projected.double().numpy(), features.double().numpy(), strict=True):
        ours, theirs = (each.reshape(len(each), -1).T for each in (own, wanted))
        places = range(len(ours))
        apart = [max(0, 1 - cosine_margin - cosine(ours[i], theirs[i])) for i in places]
        off = [
            max(0, abs(cosine(ours[i], ours[j]) - cosine(theirs[i], theirs[j])) - similarity_margin)
            for i in places
            for j in places
        ]
        losses.append(np.mean(apart) + np.mean(off))
    return np.array(losses)


@pytest.mark.parametrize("margins", [(0.0, 0.0), (0.5, 0.25), (0.9, 0.0), (2.0, 2.0)])
def test_the_loss_is_that_of_the_paper(margins):
    projected, features = random(3, 5, 2, 4), random(3, 5, 2, 4, seed=1)
    got = teaching.loss(projected, features, margins)
    np.testing.assert_allclose(got.numpy(), slow(projected, features, *margins), atol=1e-5)
    assert (float(got.max()) == 0) == (margins == (2.0, 2.0))
    assert float(teaching.loss(3 * features, features, (0, 0)).max()) < 1e-5


def test_it_counts_as_its_gradient_at_the_encoder_says(term):
    """The gradient of a step is that of reconstruction and, as long as that times the weight, that
    of alignment; both are taken by themselves here.
    """
    torch.manual_seed(0)
    sizes = ResidualConfiguration(channels=4, base=4, decoder_base=4, blocks=1, alpha=False)
    network = residual.build(sizes).trainable(encoder=True)
    objective = Reconstruction.model_construct(terms=(Pixels(), term), trained="both", crop=0)
    measures = tuple(each.begin(network, "cpu") for each in objective.terms)
    parts = SimpleNamespace(
        transformer=Reconstructing(network, measures),
        device="cpu",
        configuration=SimpleNamespace(steps=10),
    )
    cells = [
        Cut(random(3, 32, 48, seed=n).tanh(), random(0, 2, 3), random(4, 2, 3, seed=5 + n), ())
        for n in range(2)
    ]
    seen = objective._seen(parts, cells, 1)
    together, apart = objective._summed(parts, seen, 1)
    weights = [*network.encoder.parameters(), measures[1].projection.weight]

    def gradient(loss):
        return torch.autograd.grad(loss.mean(), weights, retain_graph=True, allow_unused=True)

    anchor = next(n for n, each in enumerate(weights) if each is network.anchor)
    total, pixels, own = (gradient(each) for each in (together, *(m(seen) for m in measures)))
    ratio = pixels[anchor].norm() / (own[anchor].norm() + BALANCE_FLOOR)
    assert 0.01 < float(ratio) < 100
    for place, got in enumerate(total):
        expected = 0.5 * ratio * own[place] + (0 if pixels[place] is None else pixels[place])
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-7)
    length = (total[anchor] - pixels[anchor]).norm() / pixels[anchor].norm()
    assert float(length) == pytest.approx(0.5, rel=0.01)
    assert set(apart) == {"pixels", "semantic_alignment"}
    assert not any(each.requires_grad for each in apart.values())


def test_it_is_strong_early_and_relaxed_later(term):
    stages = SemanticAlignment(
        later=(Later(since=11, weight=0.1), Later(since=14, cosine_margin=0.5))
    )
    steps = (1, 10, 11, 13, 14, 20)
    assert [stages.weight_at(step, 20) for step in steps] == [0.5, 0.5, 0.1, 0.1, 0.1, 0.1]
    assert [stages.margins_at(step)[0] for step in steps] == [0, 0, 0, 0, 0.5, 0.5]
    assert {stages.margins_at(step)[1] for step in steps} == {0.0}
    moving = SemanticAlignment(weight=(1.0, 0.0), later=(Later(since=4, weight=0.3),))
    assert [moving.weight_at(step, 5) for step in (1, 3, 4)] == [1.0, 0.5, 0.3]
    network = SimpleNamespace(channels=4)
    measure = replace_margins(term, network)
    latents, image = random(2, 4, 2, 3), random(2, 3, 32, 48).tanh()
    seen = Seen(image, image, image, image, latents)
    early, late = (measure(replace(seen, step=step)) for step in (1, 5))
    fitted = interpolate(image, (16, 24), mode="bicubic", antialias=True)
    wanted = Averages()(fitted)
    for got, margins in ((early, (0.1, 0.05)), (late, (0.6, 0.05))):
        expected = slow(measure.projection(latents).detach(), wanted, *margins)
        np.testing.assert_allclose(got.detach().numpy(), expected, atol=1e-5)


def replace_margins(term, network):
    """Its measure, of margins that are other ones since step 5."""
    later = (Later(since=5, cosine_margin=0.6),)
    return term.model_copy(update={"later": later}).begin(network, "cpu")


def test_steps_that_are_not_in_order_are_refused():
    with pytest.raises(ValidationError, match="expected steps in order, each once"):
        SemanticAlignment(later=(Later(since=5), Later(since=5)))


def test_a_folder_without_a_teacher_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"terms: encoder: no config.json in .*, or efficientnet_"):
        SemanticAlignment(encoder=str(tmp_path)).begin(SimpleNamespace(channels=4), "cpu")


def test_the_packaged_teacher_has_a_place_for_each_latent_cell():
    pytest.importorskip("efficientnet_lite_pytorch")
    own = SemanticAlignment().begin(SimpleNamespace(channels=4), "cpu")
    assert own.projection.weight.shape == (112, 4, 1, 1)
    image = random(1, 3, 32, 64).tanh()
    seen = Seen(image, image, image, image, random(1, 4, 2, 4))
    assert own(seen).shape == (1,)
    deep = alignment.encoder(alignment.LITE0, "cpu", "x", 15)
    assert (deep.width, deep.stride, deep(image).shape) == (320, 32, (1, 320, 1, 2))


def test_an_average_has_the_same_teacher():
    """A second copy of a large network would take its memory."""
    import copy

    measure = teaching.Taught(SemanticAlignment().margins_at, Averages(), 4)
    twin = copy.deepcopy(measure)
    assert twin._teacher is measure._teacher
    assert twin.projection.weight is not measure.projection.weight
    assert set(measure.state_dict()) == {"projection.weight"}
