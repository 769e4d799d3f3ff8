"""The checks of ``benchmarks.gpu``."""

from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import Any

import torch

from benchmarks import gpu_measuring as on
from benchmarks.gpu_measuring import CPU, TINY, Check, Place, Row
from train import execution, memory
from train.configuration import Configuration
from train.data.batches import Shown
from train.models.family import Family
from train.models.qwen_image import QwenImage
from train.models.qwen_image_21 import QwenImage21
from train.peak import peak
from train.producers.counters import Counters
from train.producers.prefetching import Prefetched

_BACKWARD = 3  # passes that a step counts as: the gradient takes two
_CLOSE, _MFU, _RECOMPUTED = 2e-2, 0.45, 1.35  # the bars of the specification
_FLOAT8, _ESTIMATE = 0.1, 1.25  # ours: nothing is published of them
_DEEPEST = 32  # blocks of Qwen-Image-2.1
_FAMILIES: tuple[Family, ...] = (QwenImage(**TINY), QwenImage21(**TINY))


def attention(kernel: str) -> Check:
    """A kernel on the device beside attention pass by pass on a CPU in fp32."""

    def check(place: Place) -> Iterator[Row]:
        tiny = replace(CPU, device=place.device)
        for family in _FAMILIES:
            expected = on.network(family, CPU, CPU.widths)
            reference = on.results(expected, on.packed(family, expected, CPU, 32), "fp32", "cpu")
            own = family.model_copy(update={"attention": kernel})
            network = on.network(own, tiny, CPU.widths)
            packed = on.packed(own, network, tiny, 32)
            apart = on.apart(on.results(network, packed, "bf16", place.device), reference)
            yield on.most(f"{kernel} in bf16 from the CPU, {type(family).__name__}", apart, _CLOSE)

    return check


def precision(place: Place) -> Iterator[Row]:
    """bf16 beside fp32, both on the device."""
    tiny = replace(CPU, device=place.device)
    for family in _FAMILIES:
        network = on.network(family, tiny, CPU.widths)
        packed = on.packed(family, network, tiny, 32)
        single, half = (
            on.results(network, packed, each, place.device) for each in ("fp32", "bf16")
        )
        yield on.most(f"bf16 from fp32, {type(family).__name__}", on.apart(half, single), _CLOSE)


def speed(place: Place) -> Iterator[Row]:
    """The share of the peak, compiled, of a few blocks and extrapolated to all; and eager."""
    top, few = peak(place.device, "bf16"), place.family.layers
    seconds: dict[int, float] = {}
    for layers in (few, few // 2):
        family = place.family.model_copy(update={"layers": layers})
        network = on.network(family, place, place.widths)
        packed = on.packed(family, network, place, place.widths[1])
        eager = on.seconds(network, packed, place) if layers == few else 0.0
        seconds[layers] = on.seconds(on.compiled(network, place), packed, place)
        flops = _BACKWARD * family.flops(network, packed.layout)
        if layers == few:
            share = flops / eager / top.flops
            yield Row(f"MFU of {few} blocks, eager", f"{share:.3f}", "", "pass", f"peak: {top}")
            ratio = seconds[few] / eager
            yield on.most("time of compiled blocks by eager ones", ratio, 1.0)
            share = flops / seconds[few] / top.flops
            yield Row(f"MFU of {few} blocks, compiled", f"{share:.3f}", "", "pass")
            of_block = flops / few
        del network
    slope = (seconds[few] - seconds[few // 2]) / (few - few // 2)
    all_blocks = seconds[few] + (_DEEPEST - few) * slope
    share = of_block * _DEEPEST / all_blocks / top.flops
    why = f"a line through {few // 2} and {few} blocks, no optimiser and no data"
    verdict = "pass" if share >= _MFU else "fail"
    name = f"MFU of {_DEEPEST} blocks, extrapolated"
    yield Row(name, f"{share:.3f}", f">= {_MFU:g}", verdict, why)


def compilation(place: Place) -> Iterator[Row]:
    """Compiled blocks beside those that are not, in fp32."""
    tiny = replace(CPU, device=place.device)
    for family in _FAMILIES:
        network = on.network(family, tiny, CPU.widths)
        packed = on.packed(family, network, tiny, 32)
        expected = on.results(network, packed, "fp32", place.device)
        results = on.results(on.compiled(network, place), packed, "fp32", place.device)
        name = f"compiled from eager, {type(family).__name__}"
        yield on.most(name, on.apart(results, expected), 1e-3)


def recomputation(place: Place) -> Iterator[Row]:
    """What computing activations again costs."""
    seconds: dict[str, float] = {}
    for kind in ("none", "block", "selective"):
        network = on.network(place.family, place, place.widths)
        execution.recompute(network, kind)
        packed = on.packed(place.family, network, place, place.widths[1])
        seconds[kind] = on.seconds(network, packed, place)
        if kind != "none":
            name = f"time with recompute {kind} by none"
            yield on.most(name, seconds[kind] / seconds["none"], _RECOMPUTED)
        del network


def float8(place: Place) -> Iterator[Row]:
    """Matrices in float8 beside bf16: results and time, compiled; on a CPU emulated."""
    if place.is_gpu:
        execution.check_float8(place.device)
    network = on.network(place.family, place, place.widths)
    packed = on.packed(place.family, network, place, place.widths[1])
    expected = on.results(network, packed, "bf16", place.device)
    before = on.seconds(on.compiled(network, place), packed, place)
    del network
    network = on.network(place.family, place, place.widths)
    execution.to_float8(network, emulate=not place.is_gpu)
    apart = on.apart(on.results(network, packed, "bf16", place.device), expected)
    yield on.most("float8 from bf16", apart, _FLOAT8, "the bar is ours")
    if place.is_gpu:
        network = on.compiled(network, place)
    yield on.most("time in float8 by bf16", on.seconds(network, packed, place) / before, 1.0)


def estimate(place: Place) -> Iterator[Row]:
    """The peak of memory of a step by what ``--plan`` says of it."""
    network = on.network(place.family, place, place.widths)
    packed = on.packed(place.family, network, place, place.widths[1])
    settings = Configuration(
        preset="gpu", model=place.family, precision="bf16", tokens_at_once=packed.layout.tokens
    )
    needed = memory.needed(settings, network, *place.widths)
    planned = needed.weights + needed.copies + needed.gradients + (needed.activations or 0)
    name = "peak of memory by the plan's, of a step"
    if not place.is_gpu:
        yield Row(name, "", "", "not run", f"a CPU counts none; planned are {planned:,} bytes")
        return
    torch.cuda.reset_peak_memory_stats()
    on.seconds(network, packed, place)
    ratio = torch.cuda.max_memory_allocated() / planned
    yield on.most(name, ratio, _ESTIMATE, f"planned {planned / 2**30:.2f} GiB; the bar is ours")


class _Units:
    """Batches that are there at once."""

    stopped = Event()

    def at(self, step: int, rank: int, ranks: int) -> list[tuple[int, Shown]]:
        latents = torch.full((4, 8, 8), float(step))
        return [(0, Shown(latents, "caption", 0.0, "t2i", 0))]


def pinned(place: Place) -> Iterator[Row]:
    """Whether batches read ahead are pinned, and arrive as they were."""
    units: Any = _Units()
    ahead = Prefetched(units, Counters(), 4, 2, pinned=place.is_gpu)
    try:
        right = 0
        for step in range(1, 5):
            latents = ahead.at(step)[0][1].latents
            there = latents.to(place.device, non_blocking=True)
            right += latents.is_pinned() == place.is_gpu and float(there.mean()) == step
    finally:
        ahead.close()
    yield Row(
        "batches in pinned memory", f"{right} of 4", "4 of 4", "pass" if right == 4 else "fail"
    )


CHECKS: dict[str, Check] = {
    "attention pass_by_pass": attention("pass_by_pass"),
    "attention varlen": attention("varlen"),
    "attention flex": attention("flex"),
    "bf16": precision,
    "compiled blocks": compilation,
    "pinned memory": pinned,
    "memory": estimate,
    "MFU": speed,
    "recomputation": recomputation,
    "float8": float8,
}
