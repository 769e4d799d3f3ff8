"""Averages of any width, made of those that a run kept."""

import json

import numpy as np
import pytest
import torch
from making.commands import invoke
from making.training_runs import tensors, train
from safetensors.torch import load_file

from infer.__main__ import app as infer_app
from train import averages, checkpoint, ema
from train.__main__ import app as train_app
from train.power import WIDEST, Power, Profile, coefficients

STEPS, EVERY = 1000, 100


@pytest.mark.parametrize(
    ("width", "gamma"), [(0.05, 16.97), (0.1, 6.94), (0.15, 3.56), (0.2, 1.83)]
)
def test_widths_are_the_papers(width, gamma):
    assert Power(width).gamma == pytest.approx(gamma, abs=0.005)
    assert Power(WIDEST).gamma > 0


def test_the_width_is_the_standard_deviation_of_what_counts():
    rule, counts = Power(0.12), np.zeros(STEPS)
    for step in range(1, STEPS + 1):
        kept = rule.decay_at(step)
        counts *= kept
        counts[step - 1] = 1 - kept
    at = (np.arange(STEPS) + 0.5) / STEPS
    mean = (counts * at).sum()
    assert counts.sum() == pytest.approx(1)
    assert ((counts * (at - mean) ** 2).sum()) ** 0.5 == pytest.approx(0.12, rel=0.002)


@pytest.fixture(scope="module")
def walk():
    """A random walk; its averages of two widths, each a hundred steps, and the true ones."""
    random = np.random.default_rng(0)
    kept, true = (0.05, 0.1), (0.07, 0.12, 0.15)
    held = {width: np.zeros(1000) for width in (*kept, *true)}
    place, stored = np.zeros(1000), {}
    for step in range(1, STEPS + 1):
        place = place + random.normal(size=1000)
        for width, before in held.items():
            share = Power(width).decay_at(step)
            held[width] = share * before + (1 - share) * place
        if step % EVERY == 0:
            stored |= {Profile(Power(width).gamma, step): held[width] for width in kept}
    return stored, {width: held[width] for width in true}


@pytest.mark.parametrize("width", [0.07, 0.12, 0.15])
@pytest.mark.parametrize("kind", [np.float64, np.float16])
def test_any_width_is_made_of_two(walk, width, kind):
    stored, true = walk
    shares = coefficients(list(stored), Profile(Power(width).gamma, STEPS))
    now = [profile.step == STEPS for profile in stored]
    made = sum(
        share * (average if last else average.astype(kind).astype(np.float64))
        for share, average, last in zip(shares, stored.values(), now, strict=True)
    )
    error = np.linalg.norm(made - true[width]) / np.linalg.norm(true[width])
    assert error < 0.002
    nearest = stored[Profile(Power(0.1).gamma, STEPS)]
    assert np.linalg.norm(nearest - true[width]) / np.linalg.norm(true[width]) > 0.02


@pytest.fixture(scope="module")
def kept(tiny, tmp_path_factory):
    """A run of twelve steps that keeps two widths, and the true average of a third."""
    folder, pattern, config = tiny
    out = tmp_path_factory.mktemp("power") / "out"
    path = out.parent / "power.yaml"

    def settings(widths):
        text = config.read_text().replace(
            "ema: {decay: 0.9}", f"ema: {{kind: power, widths: {widths}, snapshots: 2}}"
        )
        path.write_text(text)
        return folder, pattern, path

    given = settings("[0.05, 0.1]")
    train(given, out, steps=12)
    truth = out.parent / "truth"
    train(settings("[0.07]"), truth, steps=12)
    settings("[0.05, 0.1]")
    return given, out, truth


def weights(folder):
    return load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors")


def test_a_checkpoint_of_another_width_is_made_after_training(kept, tmp_path):
    _, out, truth = kept
    made = invoke(averages.app, [str(out), "--width", "0.07"])
    assert made.exit_code == 0, made.output
    folder = out / "checkpoint-12-width-0.07"
    assert made.stdout.strip() == str(folder)
    wanted, own, first = (
        weights(path) for path in (truth / "checkpoint-12", folder, out / "checkpoint-12")
    )

    def apart(other):
        return sum(float((other[name] - wanted[name]).square().sum()) for name in wanted) ** 0.5

    assert apart(own) < 0.2 * apart(first)  # of few steps and snapshots
    encoder = checkpoint.load_for_inference(folder).text_encoder
    true = checkpoint.load_for_inference(truth / "checkpoint-12").text_encoder
    before = checkpoint.load_for_inference(out).text_encoder
    off = encoder.token.weight - true.token.weight
    assert off.norm() < 1e-4 * true.token.weight.norm()
    assert not torch.equal(encoder.token.weight, before.token.weight)
    images = ["one", "-o", str(tmp_path / "x.png"), "--checkpoint", str(folder), "--steps", "1"]
    generated = invoke(infer_app, images)
    assert generated.exit_code == 0, generated.output
    assert "never trained" not in generated.stderr  # it has the size that was


def test_averages_of_an_interrupted_run_are_the_same(kept, tmp_path):
    given, out, _ = kept
    again = tmp_path / "out"
    train(given, again, steps=9)
    train(given, again, steps=12)  # from the last checkpoint before rates fell
    one, two = tensors(out / "checkpoint-12"), tensors(again / "checkpoint-12")
    assert any(":ema.1." in name for name in one)
    assert all((one[name] == two[name]).all() for name in one)
    path = ema.snapshot_path(out, 10, 0.1)
    assert load_file(path).keys() == load_file(ema.snapshot_path(again, 10, 0.1)).keys()
    assert path.read_bytes() == ema.snapshot_path(again, 10, 0.1).read_bytes()


def test_what_cannot_be_made_is_told(kept, undisturbed, tmp_path):
    _, out, _ = kept
    for given, message in (
        ([str(out), "--width", "0.3"], "--width 0.3: expected more than 0 and at most 0.28"),
        ([str(undisturbed[0]), "--width", "0.1"], "trained with ema.kind decay; a width can be"),
        ([str(tmp_path), "--width", "0.1"], "no checkpoint of a training run"),
    ):
        result = invoke(averages.app, given)
        assert result.exit_code == 2, result.output
        assert message in result.stderr
    path = ema.snapshot_path(out, 4, 0.1)
    path.rename(tmp_path / "away")
    assert "and 0 more of 10" in invoke(averages.app, [str(out), "--width", "0.1"]).stderr
    (tmp_path / "away").rename(path)
    shown = invoke(train_app, ["--show"])
    assert json.loads(shown.stdout)["ema"]["kind"] == "decay"
