"""Whole runs of two processes come to what those of one do, with everything switched on."""

import json
import subprocess
import sys

import pytest
from making import training_shards as shards
from making.places import ENVIRONMENT, ROOT
from making.training_runs import losses
from safetensors import safe_open
from safetensors.torch import load_file

from train import checkpoint_state

pytestmark = pytest.mark.slow

COMMON = """
precision: fp32
tokens_at_once: 90
data: {sizes: [], held_out: 0.1}
autoencoder: {channels: 8}
text_encoder: {width: 16}
model: {layers: 2, heads: 1, head_width: 16, rope_axes: [4, 6, 6], patch: 2}
optimiser: {kind: muon, muon_learning_rate: 0.02, learning_rate: 0.005, warmup: 2}
evaluation: {images: 3, steps: 2, grid: 4, guidance: 2}
"""
BOTH = """
steps: 4
batch: 8
recompute: block
ema: {kind: power, snapshots: 2}
phases: [{steps: 2, repa: true}, {}]
repa: {block: 1}
"""
BESIDE = """
precision: fp32
steps: 3
batch: 4
tokens_at_once: 90
optimiser: {kind: adamw, learning_rate: 0.03, warmup: 1}
evaluation: {images: 3, steps: 2, grid: 4, guidance: 2}
"""
KINDS = {
    "lora": "adapter: {rank: 2, alpha: 3}\ndata: {sizes: [], held_out: 0.1}",
    "control": "control: {blocks: 1}\ndata: {sizes: [], held_out: 0.1, conditions: {canny: 1}}",
}
STEPS = {"both": 4, "further": 2, "lora": 3, "control": 3}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder of runs: ``both``, ``further``, which starts with the weights of the first, and
    a LoRA and a ControlNet that are trained beside them.
    """
    folder = tmp_path_factory.mktemp("runs")
    pattern = shards.write_all(folder, 40)
    (folder / "both.yaml").write_text(COMMON + BOTH)
    (folder / "further.yaml").write_text(
        f"{COMMON}steps: 2\nbatch: 8\nweights: {folder}/both-1/checkpoint-4\n"
    )
    for name, kind in KINDS.items():
        weights = f"weights: {folder}/both-1/checkpoint-4\n"
        (folder / f"{name}.yaml").write_text(f"{BESIDE}{kind}\n{weights}")
    command = [sys.executable, "-m", "making.ranked_runs", pattern, str(folder), "2", *STEPS]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stderr
    return folder


def state(out, step):
    return checkpoint_state.read(out / f"checkpoint-{step}" / "training_state", "")


def largest(tensors, others):
    """The largest difference of tensors by name, the root of its mean square in each: of a gradient
    of nearly 0, AdamW makes a step by what rounding left of it.
    """
    assert tensors.keys() == others.keys()
    off = [(tensors[name].float() - others[name].float()).square().mean() for name in tensors]
    return float(max(off)) ** 0.5


@pytest.mark.parametrize("name", STEPS)
def test_losses_weights_and_averages_are_those_of_one_process(runs, name):
    alone, two = runs / f"{name}-1", runs / f"{name}-2"
    assert len(losses(alone)) == STEPS[name]
    assert losses(two) == pytest.approx(losses(alone), rel=1e-5)
    assert largest(state(two, STEPS[name]), state(alone, STEPS[name])) < 2e-6


def test_what_is_shown_to_others_is_the_first_average(runs):
    out = runs / "both-2"
    averages = state(out, 4)
    path = out / "checkpoint-4" / "transformer" / "diffusion_pytorch_model.safetensors"
    with safe_open(path, "pt") as stored:
        shown = stored.get_tensor("img_in.weight")
    assert shown.equal(averages["ema.0.transformer.image_in.weight"])
    halves = load_file(out / "averages" / "step-2-width-0.05.safetensors")
    alone = load_file(runs / "both-1" / "averages" / "step-2-width-0.05.safetensors")
    assert largest(halves, alone) < 1e-4  # float16


def test_a_run_starts_with_the_weights_it_is_given(runs):
    begun = losses(runs / "further-1")[0]
    assert begun < 0.9 * losses(runs / "both-1")[0]


def evaluations(out):
    return [json.loads(line) for line in (out / "evaluations.jsonl").open()]


def test_images_are_shared_out_and_are_the_same(runs):
    figures = [evaluations(runs / f"both-{size}")[-1] for size in (1, 2)]
    assert figures[0]["held_out_images"] == figures[1]["held_out_images"] > 2
    assert figures[1]["held_out_loss"] == pytest.approx(figures[0]["held_out_loss"], rel=1e-5)
    images = [
        (runs / f"both-{size}" / "samples" / "step-000004.png").read_bytes() for size in (1, 2)
    ]
    assert images[0] == images[1]
