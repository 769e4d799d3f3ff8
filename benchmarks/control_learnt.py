"""A small ControlNet learns to follow outlines: where a coloured shape is, and how large, is in the
condition alone, its colour in the caption alone. Judged on shapes that nothing was trained on, with
the same seeds with and without the ControlNet, by ``infer``'s engine.

    python -m benchmarks.control_learnt --out OUT

It trains a base (preset ``demo``, other sizes) and beside it a ControlNet of two of its four
blocks, and prints for each of its checkpoints the mean intersection over union of the shape with
what of an image has its colour. It measures what it says and no more: edges of drawn shapes.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from benchmarks import shapes
from benchmarks.shapes import Pixels, Shape
from curation.picture import conditions
from infer import checkpoints
from infer.engine.conditions import Condition
from infer.engine.engine import Engine
from infer.engine.execution import Execution
from infer.engine.request import Request, Settings
from train import checkpoint_folder

_BAR = 0.8
_SHARDS, _ROWS = 4, 1024
_SHOWN = 12  # shapes in the grid
_BATCH = 32
_BASE = {
    "batch": 32,
    "ema": {"decay": 0.98},
    "log_every": 20,
    "data": {"sizes": [], "resize": False, "held_out": 0},
    "autoencoder": {"channels": 64, "factor": 8, "whitening": 0.5},
    "model": {"patch": 1},
    "evaluation": {"every": 10_000, "images": 8, "steps": 8},
}


def trained(options: argparse.Namespace, name: str, settings: dict[str, Any]) -> float:
    """``python -m train`` into ``OUT/name``; its CPU seconds."""
    config, out = options.out / f"{name}.yaml", options.out / name
    config.write_text(yaml.safe_dump(settings), "utf-8")
    command = [sys.executable, "-m", "train", "--preset", "demo", "--config", str(config), "--json"]
    command += ["--data", str(options.out / "data" / "part-*.parquet"), "--out", str(out)]
    command += ["--seed", str(options.seed), "--threads", "1"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(json.loads(done.stdout)["cpu_seconds"])


def control(options: argparse.Namespace) -> dict[str, Any]:
    """What is trained beside the base."""
    return {
        **{name: _BASE[name] for name in ("batch", "ema", "log_every", "evaluation")},
        "steps": options.steps,
        "weights": str(options.out / "base"),
        "control": {"blocks": 2},
        "data": {**_BASE["data"], "conditions": {"canny": 1}},
        "checkpoint": {"every": options.every, "keep": 1000},
    }


def generated(
    base: Path, controlnet: Path | None, judged: Sequence[Shape], noise: int
) -> list[Pixels]:
    """Images (H, W, 3) of the captions, with the outlines where there is a ``controlnet``."""
    engine = Engine.load(checkpoints.find(base), "cpu", Execution(controlnet=controlnet))
    settings = Settings(shapes.SIDE, shapes.SIDE, steps=8, guidance=1.0)
    asked = [
        Request(
            shapes.caption(shape),
            noise + number,
            settings,
            condition=Condition(outline(shape)) if controlnet else None,
        )
        for number, shape in enumerate(judged)
    ]
    return [np.array(image) for image in engine.generate(asked, _BATCH)]


def outline(shape: Shape) -> Pixels:
    return conditions.canny(shapes.render(shape))


def overlaps(images: Sequence[Pixels], judged: Sequence[Shape]) -> list[float]:
    return [shapes.overlap(*each) for each in zip(images, judged, strict=True)]


def interval(values: Sequence[float]) -> str:
    """The mean, with 95 % of it over shapes."""
    own = np.array(values)
    return f"{own.mean():.3f}±{1.96 * own.std(ddof=1) / len(own) ** 0.5:.3f}"


def sheet(columns: Sequence[Sequence[Pixels]], scale: int = 3, gap: int = 6) -> Image.Image:
    """Rows of outline, without, with, and truth; two shapes beside one another."""
    side = scale * shapes.SIDE
    rows = list(zip(*columns, strict=True))[:_SHOWN]
    across, down = 2 * len(columns), -(-len(rows) // 2)
    page = Image.new("RGB", (across * (side + gap) + gap, down * (side + gap) + gap), "grey")
    for number, row in enumerate(rows):
        for column, pixels in enumerate(row):
            place = column + len(columns) * (number % 2), number // 2
            left, top = (gap + each * (side + gap) for each in place)
            large = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
            page.paste(large, (left, top))
    return page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--base-steps", type=int, default=240)
    parser.add_argument("--steps", type=int, default=420, help="of the ControlNet")
    parser.add_argument("--every", type=int, default=70, help="steps between judged checkpoints")
    parser.add_argument("--shapes", type=int, default=96, help="held-out shapes that are judged")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for part in range(_SHARDS):
        path = options.out / "data" / f"part-{part:05d}.parquet"
        shapes.write(path, shapes.shapes(1 + part, _ROWS))
    fixed = {"steps": options.base_steps, "checkpoint": {"every": 100}}
    seconds = [trained(options, "base", {**_BASE, **fixed})]
    seconds.append(trained(options, "control", control(options)))
    judged, base = shapes.shapes(0, options.shapes), options.out / "base"
    truth = [shapes.render(shape) for shape in judged]
    without = generated(base, None, judged, 1000 * options.seed)
    results: list[dict[str, Any]] = [
        {"step": 0, "without": overlaps(without, judged), "truth": overlaps(truth, judged)}
    ]
    print(f"the truth itself {interval(results[0]['truth'])}")
    print(f"without the ControlNet {interval(results[0]['without'])}")
    for folder in reversed(checkpoint_folder.by_age(options.out / "control")):
        images = generated(base, folder, judged, 1000 * options.seed)
        step, own = checkpoint_folder.step(folder), overlaps(images, judged)
        results.append({"step": step, "with": own})
        print(f"step {step:5}  with it {interval(own)}", flush=True)
    (options.out / "overlaps.json").write_text(json.dumps(results, indent=1))
    columns = [[outline(shape) for shape in judged], without, images, truth]
    sheet(columns).save(options.out / "shapes.png")
    last, before = float(np.mean(results[-1]["with"])), float(np.mean(results[0]["without"]))
    print(f"{seconds[0]:.0f} CPU-s for the base, {seconds[1]:.0f} for the ControlNet")
    met = last >= _BAR > before
    print(f"IoU >= {_BAR} with it and not without: {'met' if met else 'NOT met'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
