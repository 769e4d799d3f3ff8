"""Where the weights of a run are: divided among processes by heads, then by FSDP2."""

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from train.distributed import heads
from train.distributed.world import World
from train.models.family import Family


def divide(
    modules: Mapping[str, nn.Module], family: Family, world: World, *, half: bool = False
) -> None:
    """Divide the modules of a run, "transformer" and "text_encoder", among the processes of the
    ``world``, each of which has all of them; of a process by itself they stay as they are.

    Gradients are summed over the parts of a batch. Where ``half``, bf16 weights are gathered, and
    their gradients summed in float32 (Qwen-Image, arXiv 2508.02324).
    """
    if world.mesh is None:
        return
    logging.getLogger("torch.distributed.tensor._redistribute").setLevel(logging.ERROR)  # speed
    # of blocks whose tokens are views; nothing here changes them in place
    warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view tensor")
    for name, module in modules.items():
        if name == "transformer":
            heads.split(module, family.by_head(module), world)
            for block in module.get_submodule("blocks").children():
                _shard(block, world, half)
        _shard(module, world, half and name == "transformer")
        for part in module.modules():
            _sums(part)
        if hasattr(module, "encode"):
            from torch.distributed.fsdp import register_fsdp_forward_method

            register_fsdp_forward_method(module, "encode")


def _shard(module: nn.Module, world: World, half: bool) -> None:
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    mesh = world.mesh
    policy = MixedPrecisionPolicy(cast_forward_inputs=False)
    if half:
        policy = MixedPrecisionPolicy(torch.bfloat16, torch.float32, cast_forward_inputs=False)
    fully_shard(
        module,
        mesh=mesh["replicate", "shard"] if mesh["replicate"].size() > 1 else mesh["shard"],
        reshard_after_forward=True,  # what is frozen, or averaged, has no backward pass
        mp_policy=policy,
    )


def _sums(module: Any) -> None:
    """Gradients are summed over parts of a batch: losses have their weights already."""
    from torch.distributed.fsdp import FSDPModule

    if isinstance(module, FSDPModule):
        module.set_gradient_divide_factor(1.0)
        module.set_force_sum_reduction_for_comms(True)
