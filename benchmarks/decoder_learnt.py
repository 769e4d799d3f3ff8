"""What fine-tuning an autoencoder's decoder brings for text, and what it costs photographs: the
encoder stays as it is, and so do all latents.

    python -m benchmarks.decoder_learnt --photos ../shared/data/photos --out decoder-learnt

A small residual autoencoder (random weights, four pixels to a latent cell) is trained on
photographs, both halves, by ``python -m train``; then its decoder alone: on as many pages of text
(English and Chinese, pages and layouts) as photographs, and, to tell what is owed to text from what
any further step brings, for as many steps on photographs alone. Judged are pages and photographs
that none was trained on, by the autoencoder benchmark of ``python -m infer.evaluation``.
"""

import argparse
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageOps

from benchmarks.evaluations import curve
from curation import shard
from infer.harness.metrics import Metric, ratio
from train.data.examples import is_held_out, shown_text

HELD_OUT, SIDE = 0.15, 256
PAGES = (("en", "pure"), ("zh", "pure"), ("en", "template"), ("zh", "template"))
BASE = """
steps: {base_steps}
batch: 4
data: {{resolution: 256, tasks: {{i2i: 1}}, held_out: 0.15}}
autoencoder:
  kind: residual
  residual:
    {{channels: {channels}, multipliers: {multipliers}, base: 8, decoder_base: 8, blocks: 1,
      alpha: false}}
objective:
  name: reconstruction
  trained: both
  terms: [{{name: pixels, error: l2, weight: 4}}, kl]
  crop: 48
optimiser: {{learning_rate: 3e-3, betas: [0.9, 0.99], warmup: 20, decay: 0.4}}
ema: {{decay: 0.99}}
evaluation: {{evaluators: [reconstructions], every: {every}, images: 24, grid: 6, gradients: false}}
checkpoint: {{every: {every}, keep: 1}}
"""
TUNED = """
steps: {steps}
batch: 4
weights: {weights}
data: {{resolution: 256, tasks: {{i2i: 1}}, held_out: 0.15}}
phases: [{{sources: [{sources}]}}]
objective:
  name: reconstruction
  trained: decoder
  terms: [{{name: pixels, error: l2, weight: 4}}, {{name: lite0, weight: [0.01, 0]}}]
  crop: 48
optimiser: {{learning_rate: 2e-3, betas: [0.9, 0.99], warmup: 20, decay: 1.0}}
ema: {{decay: 0.99}}
evaluation:
  {{evaluators: [reconstructions], every: {every}, images: 40, grid: 12, gradients: false}}
checkpoint: {{every: {every}, keep: 1}}
"""
SOURCE = "{{data: {}, share: 1}}"
ARMS = {"pages and photographs": ("pages", "photos"), "photographs alone": ("photos",)}


def call(*arguments: str) -> None:
    """A command of ours."""
    subprocess.run([sys.executable, "-m", *arguments], check=True, stdout=subprocess.DEVNULL)


def rendered(out: Path, count: int) -> list[dict[str, Any]]:
    """Rows of pages of text."""
    rows: list[dict[str, Any]] = []
    for language, mode in PAGES:
        place = out / f"rendered-{language}-{mode}"
        if not (place / "manifest.json").is_file():
            given = ["--lang", language, "--mode", mode, "--size", f"{SIDE}x{SIDE}"]
            call("synthesis.render", *given, "--n", str(count), "--out", str(place))
        rows += shard.rows(str(place))
    return rows


def photographed(photos: Path, template: Mapping[str, Any], count: int) -> Iterator[dict[str, Any]]:
    """Rows of photographs, cut to squares, with the columns of the row ``template``."""
    for path in sorted(photos.glob("*.JPEG"))[:count]:
        image = ImageOps.fit(
            Image.open(path).convert("RGB"), (SIDE, SIDE), Image.Resampling.LANCZOS
        )
        stream = io.BytesIO()
        image.save(stream, "PNG")
        caption = {**template["caption_recaption"][0], "text": path.stem, "language": "en"}
        of_pages = dict.fromkeys(name for name in template if name.startswith("caption_"))
        yield {
            **template,
            **of_pages,
            "id": path.stem,
            "key": path.stem,
            "image": {"bytes": stream.getvalue(), "path": None},
            "width": SIDE,
            "height": SIDE,
            "caption_recaption": [caption],
            "text_boxes": [],
            "synthetic": False,
        }


def written(place: Path, rows: list[dict[str, Any]]) -> str:
    """Shards of rows; returns the glob that names them."""
    place.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=shard.schema())
    shard.write(str(place / "part-00000.parquet"), table.to_batches(), shard.schema())
    return str(place / "part-*.parquet")


def is_judged(row: Mapping[str, Any]) -> bool:
    """Whether the trainer holds a row out."""
    text = shown_text(row["text_boxes"]) or row["caption_recaption"][0]["text"]
    return is_held_out(text, HELD_OUT)


def prepared(options: argparse.Namespace) -> dict[str, str]:
    """Globs of pages and photographs, and of those of each that are judged."""
    out = options.out
    kinds = ("pages", "photos", "judged-pages", "judged-photos")
    if all((out / kind / "part-00000.parquet").is_file() for kind in kinds):
        return {kind: str(out / kind / "part-*.parquet") for kind in kinds}
    pages = rendered(out, options.pages)
    photos = list(photographed(options.photos, pages[0], options.count))
    return {
        "pages": written(out / "pages", pages),
        "photos": written(out / "photos", photos),
        "judged-pages": written(out / "judged-pages", [row for row in pages if is_judged(row)]),
        "judged-photos": written(out / "judged-photos", [row for row in photos if is_judged(row)]),
    }


def trained(place: Path, preset: str, config: str, data: str, seed: int, threads: int) -> Path:
    """The newest checkpoint of a run; what is finished is not done again."""
    place.parent.mkdir(parents=True, exist_ok=True)
    path = place.with_suffix(".yaml")
    path.write_text(config)
    given = ["--preset", preset, "--config", str(path), "--data", data, "--out", str(place)]
    call("train", *given, "--seed", str(seed), "--threads", str(threads))
    return place / (place / "latest").read_text("utf-8").strip()


def judged(checkpoint: Path, data: str, out: Path) -> Mapping[str, Any]:
    """Figures of the autoencoder benchmark, by name."""
    if not (out / "result.json").is_file():
        given = ["--checkpoint", str(checkpoint), "--data", data, "--out", str(out)]
        call("infer.evaluation", "autoencoder", *given)
    figures: Mapping[str, Any] = json.loads((out / "result.json").read_text("utf-8"))
    return figures


def by_image(out: Path) -> dict[str, float]:
    """PSNR of each image of an evaluation."""
    columns = pq.read_table(out / "prompts.parquet", columns=["prompt_id", "values"]).to_pylist()
    return {row["prompt_id"]: json.loads(row["values"])["psnr"] for row in columns}


def compared(name: str, after: Path, before: Path) -> None:
    """By how much PSNR differs, image by image, with the interval that evaluations have."""
    ours, theirs = by_image(after), by_image(before)
    images = tuple(sorted(theirs))
    terms = np.array([[ours[image] - theirs[image], 1.0] for image in images])
    metric = Metric(name, images, terms, ratio, ("",) * len(images), len(images))
    low, high = metric.interval()
    print(f"  {name}: {metric.value:+.2f} dB [{low:+.2f}, {high:+.2f}] of {len(images)}")


def said(figures: Mapping[str, Any]) -> None:
    """All metrics with their intervals."""
    for name, each in figures["metrics"].items():
        print(f"    {name:<34} {each['value']:8.4f}  [{each['low']:.4f}, {each['high']:.4f}]")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder of JPEG files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=40, help="of each language and mode")
    parser.add_argument("--count", type=int, default=400, help="photographs, at most")
    parser.add_argument("--channels", type=int, default=32, help="of latents")
    parser.add_argument("--multipliers", type=int, nargs=3, default=[1, 4, 4])
    parser.add_argument("--base-steps", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the fine-tuning")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    places = prepared(options)
    config = BASE.format(every=options.base_steps // 4, **vars(options))
    place, data = options.out / "base", places["photos"]
    base = trained(place, "residual", config, data, 0, options.threads)
    print("\nthe base, on photographs\n  step  CPU-s   PSNR")
    for entry in curve(options.out / "base"):
        psnr = entry["held_out_psnr"]
        print(f"  {entry['step']:>4}  {entry['cpu_seconds']:>5.0f}  {psnr:5.2f}")
    report("before", base, places, options.out)
    for seed in options.seeds:
        tuned(base, places, seed, options)
    return 0


def report(name: str, checkpoint: Path, places: Mapping[str, str], out: Path) -> None:
    """What the benchmark says of pages and photographs."""
    for kind in ("judged-pages", "judged-photos"):
        figures = judged(checkpoint, places[kind], out / f"{name}-{kind}")
        print(f"  {name}, {kind}")
        said(figures)


def tuned(base: Path, places: Mapping[str, str], seed: int, options: argparse.Namespace) -> None:
    """Fine-tune the decoder of a base by each of the arms, and say what came of it."""
    every = max(1, options.steps // 5)
    for arm, kinds in ARMS.items():
        sources = ", ".join(SOURCE.format(places[kind]) for kind in kinds)
        config = TUNED.format(steps=options.steps, every=every, weights=base, sources=sources)
        place = options.out / f"{arm.replace(' ', '-')}-{seed}"
        checkpoint = trained(place, "decoder", config, places["photos"], seed, options.threads)
        print(f"\nseed {seed}: the decoder, on {arm}\n  step  CPU-s   PSNR of what is held out")
        for entry in curve(place):
            known = {f"held_out_psnr_{kind}": kind for kind in ("text", "plain")}
            figures = (f"{kind} {entry[key]:.2f}" for key, kind in known.items() if entry.get(key))
            print(f"  {entry['step']:>4}  {entry['cpu_seconds']:>5.0f}   {', '.join(figures)}")
        report(f"after-{place.name}", checkpoint, places, options.out)
    print(f"\nseed {seed}: differences of PSNR, image by image")
    both, alone = (f"after-{arm.replace(' ', '-')}-{seed}" for arm in ARMS)
    for kind in ("judged-pages", "judged-photos"):
        ours, control, before = (options.out / f"{of}-{kind}" for of in (both, alone, "before"))
        compared(f"{kind}: pages and photographs less base", ours, before)
        compared(f"{kind}: photographs alone less base", control, before)
        compared(f"{kind}: pages and photographs less photographs alone", ours, control)


if __name__ == "__main__":
    sys.exit(main())
