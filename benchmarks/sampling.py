"""Generating with guidance beside diffusers' pipeline: one checkpoint, the same prompts and seeds.

A random checkpoint of the real classes of Qwen-Image, with a network of ``--width`` and
``--layers``, generates a batch of images of one size, as the pipeline needs it, with captions of
many lengths and guidance 4. Encoding and decoding are in the time; CPU seconds, medians of
``--repeats`` turns and their ratio. Both generate the same image, which is checked. With
``--compiled`` both networks are compiled by block.

    python -m benchmarks.sampling --repeats 3
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.from_tests import tiny_qwen
from infer.engine.engine import Engine
from infer.engine.request import Request, Settings

TARGET = 1.3  # of issue 17
SIDE, SHORTEST, LONGEST, GUIDANCE = 256, 8, 500, 4.0
SEEDS = range(4)
WORDS = "an old sign above a shop reads "


def captions() -> list[str]:
    """From some tokens to as many as a long caption has, evenly in the logarithm."""
    lengths = np.exp(np.linspace(np.log(SHORTEST), np.log(LONGEST), len(SEEDS)))
    return [(WORDS * 20)[: round(float(length))] for length in lengths]


def folder(at: Path, width: int, layers: int) -> Path:
    """A checkpoint whose network is large enough that kernels count."""
    from diffusers import QwenImageTransformer2DModel

    tiny_qwen.save_pipeline(at)
    torch.manual_seed(0)
    network = QwenImageTransformer2DModel(
        num_layers=layers,
        attention_head_dim=64,
        num_attention_heads=width // 64,
        joint_attention_dim=tiny_qwen.TEXT_WIDTH,
        axes_dims_rope=(8, 28, 28),
    )
    network.save_pretrained(at / "transformer")
    return at


def theirs(at: Path, steps: int, compiled: bool) -> Callable[[], list[Any]]:
    """The pipeline's images."""
    from diffusers import QwenImagePipeline

    pipeline = QwenImagePipeline.from_pretrained(at)
    pipeline.set_progress_bar_config(disable=True)
    if compiled:
        pipeline.transformer.compile_repeated_blocks(dynamic=True)

    def generate() -> list[Any]:
        made: list[Any] = pipeline(
            captions(),
            negative_prompt=[" "] * len(SEEDS),
            true_cfg_scale=GUIDANCE,
            num_inference_steps=steps,
            width=SIDE,
            height=SIDE,
            generator=[torch.Generator().manual_seed(seed) for seed in SEEDS],
        ).images
        return made

    return generate


def ours(at: Path, steps: int, compiled: bool) -> Callable[[], list[Any]]:
    """The engine's images."""
    engine = Engine.load(at, "cpu")
    if compiled:
        engine.transformer.compile_blocks()
    settings = Settings(SIDE, SIDE, steps, GUIDANCE, " ")
    asked = [Request(text, seed, settings) for text, seed in zip(captions(), SEEDS, strict=True)]
    return lambda: list(engine.generate(asked, len(asked)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--json", type=Path, help="where the figures are written, too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        at = folder(Path(name), options.width, options.layers)
        both = [make(at, options.steps, options.compiled) for make in (ours, theirs)]
        first = [[np.asarray(image).astype(int) for image in make()] for make in both]
        apart = max(int(np.abs(a - b).max()) for a, b in zip(*first, strict=True))
        seconds: list[list[float]] = [[], []]
        for _ in range(options.repeats):
            for make, times in zip(both, seconds, strict=True):
                start = time.process_time()
                make()
                times.append(time.process_time() - start)
    mine, other = (statistics.median(times) for times in seconds)
    figures = {
        "images": len(SEEDS),
        "side": SIDE,
        "steps": options.steps,
        "ours_cpu_s": mine,
        "diffusers_cpu_s": other,
        "ratio": statistics.median(b / a for a, b in zip(*seconds, strict=True)),
        "levels_apart": apart,
    }
    if options.json:
        options.json.write_text(json.dumps(figures), encoding="utf-8")
    print(
        f"{len(SEEDS)} images of {SIDE} px, captions of {SHORTEST} to {LONGEST} tokens, guidance 4"
    )
    print(
        f"ours {mine:.2f} CPU-s, diffusers {other:.2f}: {figures['ratio']:.2f} times (bar {TARGET})"
    )
    print(f"the images are at most {apart} of 255 levels apart")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
