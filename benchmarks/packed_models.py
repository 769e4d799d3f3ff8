"""The packed Qwen-Image beside diffusers' padded one: CPU seconds of a step on the same tokens.

A batch of images of one size, as diffusers needs it, with captions of many lengths; both networks
go forward and backward over it, in turn, each as often as ``--repeats`` says, and the medians and
their ratio are printed: padded to the longest caption, and padded to 1024 tokens. With
``--compiled`` both are compiled by block (a C++ compiler must be there). The useful share is the
FLOPs of real tokens (``PackedQwenImage.flops``, without the text that the last block leaves out) by
those that a product of large matrices reaches, measured in turn with the steps.

    python -m benchmarks.packed_models --repeats 5 --compiled

``--json FILE`` writes the seconds. With ``--autocast`` it says instead what ``precision: bf16``
costs beside ``fp32`` on this CPU.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from train.models.qwen_image.config import Config
from train.models.qwen_image.network import PackedQwenImage
from train.packing.layout import ImageSpan, Layout, TextSpan
from train.packing.packed import Packed

RATIO = 1.48  # padded tokens by real ones
PADDED_TO = 1024
TARGETS = {"eager": 1.5, "compiled": 1.7, "1024": 5.0, "float32": 0.7, "bfloat16": 0.5}
_SAMPLES, _SIDE, _SHORTEST, _LONGEST = 16, 8, 4, 164
_SQUARE = 2048

Step = Callable[[], Any]


def config(width: int, layers: int) -> Config:
    """A network of heads of 64."""
    return Config(
        num_layers=layers,
        attention_head_dim=64,
        num_attention_heads=width // 64,
        joint_attention_dim=256,
        axes_dims_rope=(8, 28, 28),
    )


def layout() -> Layout:
    """Captions of many lengths, such that padding to the longest comes to ``RATIO``."""
    image = ImageSpan(_SIDE, _SIDE, target=True)
    mean = (image.tokens + _LONGEST) / RATIO - image.tokens
    lengths = np.exp(np.linspace(np.log(_SHORTEST), np.log(_LONGEST), _SAMPLES))
    low, high = 0.0, 1.0  # between these lengths and equal ones
    for _ in range(50):
        middle = (low + high) / 2
        tried = _SHORTEST + (lengths - _SHORTEST) ** middle * (_LONGEST - _SHORTEST) ** (1 - middle)
        low, high = (middle, high) if tried.mean() > mean else (low, middle)
    tried[0] = _SHORTEST
    return Layout(tuple((TextSpan(round(float(length))), image) for length in tried))


def packed_step(network: PackedQwenImage, packed: Packed, autocast: bool = False) -> Step:
    """Forward, and backward to all weights."""

    def step() -> None:
        network.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            velocity = network(packed)
        velocity.float().square().mean().backward()

    return step


def padded_step(network: Any, packed: Packed, length: int) -> Step:
    """The same of diffusers' network, with texts padded to a ``length``."""
    samples = len(packed.sigma)
    texts = torch.split(packed.text, list(packed.layout.text_lengths))
    text = torch.zeros(samples, length, packed.text.shape[1], dtype=packed.text.dtype)
    mask = torch.zeros(samples, length, dtype=torch.bool)
    for number, features in enumerate(texts):
        text[number, : len(features)] = features
        mask[number, : len(features)] = True
    image = packed.image.view(samples, -1, packed.image.shape[1])

    def step() -> None:
        network.zero_grad(set_to_none=True)
        velocity = network(
            hidden_states=image,
            encoder_hidden_states=text,
            encoder_hidden_states_mask=mask,
            timestep=packed.sigma,
            img_shapes=[[(1, _SIDE, _SIDE)]] * samples,
            return_dict=False,
        )[0]
        velocity.float().square().mean().backward()

    return step


def medians(steps: Sequence[Step], repeats: int) -> list[float]:
    """CPU seconds of each, run in turn, after one run that is not counted."""
    for step in steps:
        step()
    seconds: list[list[float]] = [[] for _ in steps]
    for _ in range(repeats):
        for step, times in zip(steps, seconds, strict=True):
            start = time.process_time()
            step()
            times.append(time.process_time() - start)
    return [statistics.median(times) for times in seconds]


def useful_flops(network: PackedQwenImage, of: Layout) -> int:
    """Of a training step, without those of the last block's text that are left out: its query, its
    output and its MLP.
    """
    left_out = 20 * network.config.width**2 * sum(of.text_lengths)
    return 3 * (network.flops(of) - left_out)


def compare(
    width: int, layers: int, dtype: torch.dtype, repeats: int, compiled: bool
) -> list[dict[str, Any]]:
    """Print a line for each comparison, and give the seconds of both."""
    from diffusers import QwenImageTransformer2DModel

    of = layout()
    settings = config(width, layers)
    packed = _noise(of, settings, dtype)
    network = PackedQwenImage(settings).to(dtype)
    network.initialise()
    stored = {name: v for name, v in settings.content().items() if not name.startswith("_")}
    padded = QwenImageTransformer2DModel(**stored).to(dtype)
    for parameter in (*network.parameters(), *padded.parameters()):
        torch.nn.init.normal_(parameter, std=0.02)
    kind = "eager"
    if compiled:
        kind = "compiled"
        network.compile_blocks()
        padded.compile_repeated_blocks(dynamic=True)
    longest = max(of.text_lengths)
    square = torch.randn(_SQUARE, _SQUARE, dtype=dtype)
    packed_s, longest_s, product = medians(
        [
            packed_step(network, packed),
            padded_step(padded, packed, longest),
            lambda: square @ square,
        ],
        repeats,
    )
    ratio = (of.tokens + sum(longest - text for text in of.text_lengths)) / of.tokens
    where = f"{kind} {str(dtype).removeprefix('torch.')} {layers} x {width}"
    print(f"{where}, padded/real {ratio:.2f}: ", end="")
    _judge(f"{packed_s:.2f} s beside {longest_s:.2f} s", longest_s / packed_s, TARGETS[kind], "x")
    ceiling = 2 * _SQUARE**3 / product
    share = useful_flops(network, of) / packed_s / ceiling
    target = TARGETS[str(dtype).removeprefix("torch.")]
    _judge(f"{where}, useful share of {ceiling / 1e9:.0f} GFLOP/s", share, target, "")
    again_s, padded_s = medians(
        [packed_step(network, packed), padded_step(padded, packed, PADDED_TO)], max(1, repeats // 2)
    )
    _judge(
        f"{where}, padded to {PADDED_TO}: {again_s:.2f} s beside {padded_s:.2f} s",
        padded_s / again_s,
        5.0,
        "x",
    )
    own = {"network": where, "tokens": of.tokens}
    return [
        {**own, "padded_to": longest, "packed_s": packed_s, "padded_s": longest_s},
        {**own, "padded_to": PADDED_TO, "packed_s": again_s, "padded_s": padded_s},
    ]


def compare_precisions(width: int, layers: int, repeats: int) -> None:
    """Print a step in bf16 autocast beside one in fp32, of the same network."""
    of, settings = layout(), config(width, layers)
    packed, network = _noise(of, settings, torch.float32), PackedQwenImage(settings)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    steps = [packed_step(network, packed, autocast) for autocast in (True, False)]
    half, single = medians(steps, repeats)
    print(
        f"{layers} x {width}: bf16 autocast {half:.2f} s, fp32 {single:.2f} s: {half / single:.2f}x"
    )


def _noise(of: Layout, settings: Config, dtype: torch.dtype) -> Packed:
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(dtype)

    text = normal(sum(of.text_lengths), settings.joint_attention_dim)
    image = normal(len(of.is_target), settings.in_channels)
    return Packed(text, image, torch.rand(len(of.samples), generator=generator), of)


def _judge(what: str, value: float, target: float, unit: str) -> None:
    verdict = "reached" if value >= target else "NOT reached"
    print(f"{what}: {value:.2f}{unit} (target {target}{unit}, {verdict})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--autocast", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    if options.autocast:
        compare_precisions(options.width, options.layers, options.repeats)
        return
    dtype = torch.bfloat16 if options.bf16 else torch.float32
    rows = compare(options.width, options.layers, dtype, options.repeats, options.compiled)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
