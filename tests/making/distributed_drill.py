"""Two steps of tiny networks, divided among several processes and by one: how far they are apart.

As a program: ``python -m making.distributed_drill 2 CASE ...`` prints as JSON, of each case, what
two processes came to.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import torch
import torch.distributed.fsdp
import torch.distributed.tensor.parallel
from making import ranks
from making.packed_21 import SAMPLES, SIZES
from making.packed_qwen import MIXED, TINY
from safetensors.torch import load_file, save_file

from train import execution
from train.configuration import DistributedConfiguration, OptimiserConfiguration
from train.distributed import heads, placing, sharded
from train.distributed.world import World, started
from train.models.qwen_image import QwenImage
from train.models.qwen_image.keys import keys as qwen_image_keys
from train.models.qwen_image.network import PackedQwenImage
from train.models.qwen_image_21.keys import keys as qwen_image_21_keys
from train.models.qwen_image_21.network import PackedQwenImage21
from train.optimisers import building
from train.packing.layout import Layout
from train.packing.packed import Packed

STEPS = 2
CLIP = 1e-3  # far below the norm of these gradients; AdamW makes steps of the sign of those that
# are larger than its 1e-8, of sums that are nearly 0 too, of which only rounding is left


def network(name):
    """A network in which every weight says something."""
    made = PackedQwenImage(TINY) if name == "qwen_image" else PackedQwenImage21(SIZES)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for key, weight in made.named_parameters():
            near = 1.0 if "norm" in key and weight.ndim == 1 else 0.0
            weight.copy_(near + 0.25 * torch.randn(weight.shape, generator=generator))
    return made


def sample(name, number):
    """One sample, by itself: ``number`` decides its sizes, its tokens and its noise level."""
    kinds = MIXED.samples if name == "qwen_image" else tuple(SAMPLES.values())
    layout = Layout((kinds[number % len(kinds)],))
    config = TINY if name == "qwen_image" else SIZES
    width = TINY.joint_attention_dim if name == "qwen_image" else SIZES.context_in_dim
    generator = torch.Generator().manual_seed(number)
    return Packed(
        torch.randn(sum(layout.text_lengths), width, generator=generator),
        torch.randn(len(layout.is_target), config.in_channels, generator=generator),
        torch.rand(1, generator=generator),
        layout,
    )


def losses(made, name, step, world):
    """Of this process's samples of a step, each by itself; as many in every process."""
    numbers = list(range(7 * step, 7 * step + 7))
    own = numbers[world.data_rank :: world.data_ranks]
    most = max(world.everyone(len(own)))
    shares = [1 / 7] * len(own) + [0.0] * (most - len(own))
    for number, share in zip([*own, *numbers][:most], shares, strict=True):
        yield made(sample(name, number)).square().mean() * share


def changed(made, how):
    """Change how a network is carried out."""
    if how == "compiled":
        execution.compile_blocks(made, "cpu", backend="eager")
    elif how == "float8":
        assert execution.to_float8(made, emulate=True)
    else:
        execution.recompute(made, how)


def trained(name, optimiser, how, world):
    """The weights, whole, after two clipped steps; the norms of their gradients."""
    made = network(name)
    changed(made, how)
    family = QwenImage()  # either network says itself how it is divided
    placing.divide({"transformer": made}, family, world)
    settings = OptimiserConfiguration(kind=optimiser, learning_rate=1e-3, weight_decay=0.1)
    sources = qwen_image_keys(TINY) if name == "qwen_image" else qwen_image_21_keys(SIZES)
    matrices = {
        f"transformer.{key}": sources[key]
        for key, weight in made.named_parameters()
        if key.startswith("blocks.") and weight.ndim == 2
    }
    optimisers = building.build(settings, {"transformer": made}, matrices)
    norms = []
    for step in range(STEPS):
        for loss in losses(made, name, step, world):
            loss.backward()
        heads.sum_shared(made, family.by_head(made).shared, world)
        norms.append(sharded.clip(made.parameters(), CLIP))
        for each in optimisers:
            each.step()
            each.zero_grad(set_to_none=True)
    weights = {key: sharded.full(weight.detach()) for key, weight in made.named_parameters()}
    return {key: weight.contiguous() for key, weight in weights.items()}, norms


def carry_out(folder, cases):
    """All cases, in one of the processes; the first writes what they come to."""
    torch.set_num_threads(1)
    for case in cases:
        name, optimiser, axes, *how = case.split(":")
        replicate, shard, tensor = map(int, axes.split("x"))
        settings = DistributedConfiguration(replicate=replicate, shard=shard, tensor=tensor)
        with started(settings, "cpu") as world:
            weights, norms = trained(name, optimiser, *(how or ["none"]), world)
            if world.is_first:
                stored = weights | {"": torch.tensor(norms, dtype=torch.float64)}
                save_file(stored, Path(folder) / f"{case}.safetensors")
        os.environ["MASTER_PORT"] = str(int(os.environ["MASTER_PORT"]) + 1)
    return 0


def compare(folder, case):
    """The largest differences: of weights, absolute, and of norms, relative."""
    name, optimiser, _, *how = case.split(":")
    weights, norms = trained(name, optimiser, *(how or ["none"]), World())
    stored = load_file(Path(folder) / f"{case}.safetensors")
    of_norms = [abs(a / b - 1) for a, b in zip(stored[""].tolist(), norms, strict=True)]
    off = {key: float((stored[key] - weight).abs().max()) for key, weight in weights.items()}
    worst = max(off, key=off.get)
    return {"weights": off[worst], "worst": worst, "norms": max(of_norms)}


def main(count, *cases):
    """Cases are ``qwen_image:muon:1x2x1``, the last part replicate x shard x tensor, or
    ``qwen_image:muon:1x2x1:block``, the last how it is carried out.
    """
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        processes = ranks.fork(int(count), lambda: carry_out(folder, cases))
        codes = ranks.codes(processes)
        if any(codes):
            sys.exit(f"exit codes {codes}")
        sys.stdout.write(json.dumps({case: compare(folder, case) for case in cases}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
