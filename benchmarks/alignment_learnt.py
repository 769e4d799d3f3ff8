"""Does semantic alignment of an autoencoder's latents speed up a generator that is trained on them?
A small residual autoencoder, 16 pixels of a latent cell, is trained from scratch with the term and
without it, all else equal; then a small generator on the latents of each.

    python -m benchmarks.alignment_learnt --out OUT                    # three seeds
    python -m benchmarks.alignment_learnt --out OUT --seeds 0 --every 50

Pages of 32 px with two characters in one ink, one face. Losses in latents of different scale and
make cannot be compared: what is, is how many strings that nothing was trained on a generator writes
exactly, as pixels say. What is finished is not done again. The data suit the teacher: of the 10th
block's features of single cells a linear map reads 99 % of the characters, and all of the inks.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import string_pages
from benchmarks.evaluations import curve, rate
from curation import shard
from curation.picture.colours import Colour
from synthesis import png
from synthesis.fonts.face import Font, font
from synthesis.pure import strings
from synthesis.sample import Sample, TextBox, row, upright_quad

SIDE, CELL = 32, 16  # pixels: of a page, and the width of a character
CHARACTERS, INKS = strings.CHARACTERS["en"][:16], strings.INKS[:4]
ARMS = {
    "without": "",
    "with": ", {name: semantic_alignment, later: [{since: RELAXED, weight: 0.1}]}",
}
SHARES = (0.25, 0.5, 0.75)  # of held-out strings, exact
AUTOENCODER = """
steps: {steps}
batch: 8
log_every: 100
precision: fp32
ema: {{decay: 0.98}}
data: {{resolution: 0, tasks: {{i2i: 1}}, held_out: 0.125}}
autoencoder:
  kind: residual
  residual: {{channels: 32, base: 8, decoder_base: 8, blocks: 1, alpha: false}}
objective:
  name: reconstruction
  trained: both
  terms: [{{name: pixels, error: l2, weight: 4}}, kl{term}]
optimiser: {{learning_rate: 3e-3, betas: [0.9, 0.99], warmup: 20, decay: 0.4}}
evaluation: {{evaluators: [reconstructions], every: {steps}, grid: 12, gradients: false}}
checkpoint: {{every: {steps}}}
"""
GENERATOR = """
steps: {steps}
batch: 64
log_every: 50
data: {{sizes: [], resize: false, held_out: 0.125, caption_dropout: 0.1}}
autoencoder: {{kind: qwen, path: {autoencoder}}}
model: {{name: qwen_image_21, layers: 4, heads: 2, head_width: 64, rope_axes: [16, 24, 24]}}
evaluation: {{every: {every}, images: 96, steps: 8, gradients: false}}
checkpoint: {{every: {steps}}}
"""


def page(pen: Font, text: str, ink: Colour) -> Mapping[str, Any]:
    """A row of a shard: two characters, and what is asked for in few words."""
    boxes = [TextBox(text, upright_quad(0, 0, SIDE, SIDE), "line")]
    for place, character in enumerate(text):
        left = place * CELL
        boxes.append(TextBox(character, upright_quad(left, 0, left + CELL, SIDE), "glyph"))
    caption = f'{ink.name("en").capitalize()} "{text}".'
    drawn = png.encode(strings.written(pen, "en", text, ink, (SIDE, SIDE)))
    sample = Sample(drawn, SIDE, SIDE, text, caption, "en", tuple(boxes), pen.file.postscript)
    name = f"{text}-{ink.name('en')}"
    return dict.fromkeys(shard.schema().names) | dict(row(sample, name, None))


def pages(folder: Path) -> str:
    """Shards of every pair of characters in every ink; returns their glob."""
    pattern = str(folder / "part-*.parquet")
    if not (folder / "done").is_file():
        pen = font(strings.choose_face("en", None))
        pairs = ("".join(pair) for pair in product(CHARACTERS, repeat=2))
        rows = [page(pen, *each) for each in product(pairs, INKS)]
        Random(0).shuffle(rows)
        string_pages.write_rows(folder, rows)
        (folder / "done").touch()
    return pattern


def run(data: str, out: Path, preset: str, settings: str, options: Sequence[Any]) -> Any:
    """A training in this process: what starts a process costs as much as a tenth of it."""
    from train.api import train

    config = out.with_suffix(".yaml")
    config.write_text(settings, "utf-8")
    seed, threads = options
    return train(data, out, preset=preset, config=config, seed=seed, threads=threads)


def reached(judged: Sequence[Mapping[str, Any]], share: float) -> str:
    """The first step judged at which so many were exact."""
    steps = (entry["step"] for entry in judged if entry["held_out_accuracy"] >= share)
    return next((str(step) for step in steps), "never")


def arm(name: str, seed: int, data: str, options: argparse.Namespace) -> None:
    """Train an autoencoder and a generator, and print what came of them."""
    place, given = options.out / f"{name}-{seed}", (seed, options.threads)
    term = ARMS[name].replace("RELAXED", str(options.steps * 3 // 4))
    settings = AUTOENCODER.format(steps=options.steps, term=term)
    own = run(data, place.with_name(f"{place.name}-autoencoder"), "residual", settings, given)
    figures = own.figures
    print(
        f"\n{name} alignment, seed {seed}: autoencoder PSNR {figures['held_out_psnr']:.2f} dB, SSIM"
        f" {figures['held_out_ssim']:.4f}, {figures['cpu_seconds']:.0f} CPU-s",
        flush=True,
    )
    settings = GENERATOR.format(
        steps=options.learnt, every=options.every, autoencoder=own.checkpoint
    )
    out = place.with_name(f"{place.name}-generator")
    learnt = run(data, out, "demo", settings, given).figures
    judged = curve(out)
    for entry in judged:
        print(f"  {entry['step']:>4}  {entry['cpu_seconds']:>4.0f} CPU-s  {rate(entry)}")
    marks = "  ".join(f"{100 * each:.0f} %: {reached(judged, each)}" for each in SHARES)
    print(f"  the autoencoder alone keeps {100 * learnt['held_out_ceiling']:.1f} %")
    print(f"  steps to  {marks};  at the end {rate(learnt)}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=800, help="of an autoencoder")
    parser.add_argument("--learnt", type=int, default=150, help="steps of a generator")
    parser.add_argument("--every", type=int, default=25, help="steps between its evaluations")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    data = pages(options.out / "pages")
    for seed, name in product(options.seeds, ARMS):
        arm(name, seed, data, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
