"""Strings of three black letters and digits, captioned by the string alone, and a small model that
makes mistakes, as one caption in three of what it was trained on has a character that the image has
not: what preferences are worth to it in minutes.

Characters that rapidocr takes for others are left out: it reads all clean strings, so that what it
rewards is what is right. Settings were chosen by held-out strings of the training data. What is
judged are other held-out strings, after the last step alone, by two readers: templates of the clean
glyphs, the nearest of each cell, and the OCR that rewards.
"""

import argparse
import os
import random
import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.evaluations import curve, rate
from benchmarks.seeds import interval
from benchmarks.string_pages import write_rows
from curation import shard
from curation.picture import contact_sheet
from infer import checkpoints
from infer.engine.engine import Engine
from infer.engine.request import Request, Settings
from synthesis import png
from synthesis.fonts.face import Font, font
from synthesis.pure import strings
from synthesis.sample import Sample, TextBox, row, upright_quad
from train.api import train
from train.data.examples import is_held_out
from train.figures import Rate
from train.pixels import scaled
from train.rewards.ocr import Ocr
from train.string_reader import Reader

CHARACTERS = "ABCDEFGHJKLMNPQRSTUVWXY3456789"  # no O and 0, I and 1, Z and 2
LENGTH, CELL, HEIGHT = 3, 16, 32  # characters; pixels
SIZE = (LENGTH * CELL, HEIGHT)
INK = next(ink for ink in strings.INKS if ink.name("en") == "black")
HELD_OUT = 0.125  # of all strings, as the trainer holds out
WRONG = 0.35  # of the captions that are trained on have a wrong character
_SHOWN = 60  # strings on the sheet
_DATA = """
data: {{sizes: [48x32], resize: false, caption_dropout: 0.0}}
autoencoder: {{channels: 12}}
"""
_BASE = """
steps: {base_steps}
batch: 96
evaluation: {{every: {base_steps}, images: 256, steps: 8, gradients: false}}
checkpoint: {{every: {base_steps}}}
"""
_LEARNT = """
steps: {steps}
batch: {batch}
weights: {base}
ema: {{decay: 0.9}}
optimiser: {{kind: adamw, learning_rate: {rate}, warmup: 4, decay: {decay}}}
checkpoint: {{every: 10000}}
evaluation: {{every: {every}, images: 128, held_out: 256, steps: 8, gradients: false, evaluators:
  [held_out_strings, {{name: rewards, rewards: [{ocr}]}}]}}
"""
OCR = "{name: ocr, reads: line}"


@dataclass(frozen=True)
class Judged:
    """Which strings are exact by templates (``exact``) and by OCR (``read``), and the mean
    ``reward``.
    """

    exact: Sequence[bool]
    read: Sequence[bool]
    reward: float

    def __str__(self) -> str:
        templates, ocr = (Rate(sum(each), len(each)) for each in (self.exact, self.read))
        return f"templates {templates}; OCR {ocr}; reward {self.reward:.4f}"


def texts(seed: str) -> Iterator[str]:
    """Strings by chance, none twice."""
    chance, seen = random.Random(seed), set[str]()
    while True:
        text = "".join(chance.choices(CHARACTERS, k=LENGTH))
        if text not in seen:
            seen.add(text)
            yield text


@cache
def _pen() -> Font:
    return font(strings.choose_face("en", None))


def drawn(text: str) -> NDArray[np.uint8]:
    """A clean image (H, W, 3), of as many cells as there are characters."""
    size = (len(text) * CELL, HEIGHT)
    return np.ascontiguousarray(strings.written(_pen(), "en", text, INK, size)[..., :3])


def caption(text: str) -> str:
    return f'"{text}"'


def mistaken(text: str) -> str:
    """What a caption says: of some that are trained on with a character changed by chance, of none
    a text that is held out.
    """
    chance = random.Random(f"mistaken:{text}")
    if is_held_out(text, HELD_OUT) or chance.random() >= WRONG:
        return text
    while True:
        place, other = chance.randrange(LENGTH), chance.choice(CHARACTERS)
        said = text[:place] + other + text[place + 1 :]
        if said != text and not is_held_out(said, HELD_OUT):
            return said


def _row(text: str) -> dict[str, Any]:
    boxes = [TextBox(text, upright_quad(0, 0, *SIZE), "line")]
    for place, character in enumerate(text):
        quad = upright_quad(place * CELL, 0, (place + 1) * CELL, HEIGHT)
        boxes.append(TextBox(character, quad, "glyph"))
    drawing = png.encode(strings.written(_pen(), "en", text, INK, SIZE))
    face = _pen().file.postscript
    sample = Sample(drawing, *SIZE, text, caption(mistaken(text)), "en", tuple(boxes), face)
    return dict.fromkeys(shard.schema().names) | dict(row(sample, f"string-{text}", None))


def written(out: Path, count: int) -> str:
    """Shards of so many strings to train on and to choose by; returns their glob."""
    if not (out / "done").is_file():
        chosen = texts("trained")
        write_rows(out, [_row(next(chosen)) for _ in range(count)])
        (out / "done").touch()
    return str(out / "part-*.parquet")


def judged_on(count: int, rows: int) -> list[str]:
    """So many strings that are held out, and not in the ``rows`` by which anything was chosen."""
    chosen = texts("trained")
    seen = {next(chosen) for _ in range(rows)}
    judged = texts("judged again")
    fresh = (text for text in judged if is_held_out(text, HELD_OUT) and text not in seen)
    return [next(fresh) for _ in range(count)]


@cache
def _templates() -> Reader:
    cells = [scaled(drawn(character)).flatten() for character in CHARACTERS]
    keys = tuple((character, "") for character in CHARACTERS)
    return Reader(keys, torch.stack(cells), (CELL, HEIGHT))


def read(images: Sequence[NDArray[np.uint8]], wanted: Sequence[str]) -> Judged:
    """By both readers, images (H, W, 3) of what is ``wanted``."""
    cells = _templates().read(torch.cat([scaled(image) for image in images]))
    seen = ["".join(character for character, _ in row) for row in cells]
    exact = [own == text for own, text in zip(seen, wanted, strict=True)]
    rewards = Ocr(name="ocr", reads="line").scores(images, [caption(text) for text in wanted])
    return Judged(exact, [each == 1 for each in rewards], float(np.mean(rewards)))


def judge(checkpoint: Path, wanted: Sequence[str], sheet: Path) -> Judged:
    """One image of each string, with the noise of its number; some on a sheet, those in a frame
    that either reader takes for others.
    """
    engine = Engine.load(checkpoints.find(checkpoint), "cpu")
    settings = Settings(*SIZE, steps=8, guidance=1.0)
    asked = [Request(caption(text), number, settings) for number, text in enumerate(wanted)]
    images = list(engine.generate(asked, 128))
    judged = read([np.asarray(image.convert("RGB")) for image in images], wanted)
    right = [both == (True, True) for both in zip(judged.exact, judged.read, strict=True)]
    wrong = [place for place in range(_SHOWN) if not right[place]]
    shown = images[:_SHOWN], wanted[:_SHOWN]
    contact_sheet.compose(*shown, side=96, framed=wrong).image.save(sheet)
    return judged


def run(data: str, out: Path, settings: str, seed: int, threads: int) -> Path:
    """The last checkpoint of a training, in this process: to start another costs as much as a tenth
    of it.
    """
    config = out.with_suffix(".yaml")
    config.write_text(settings, "utf-8")
    return train(data, out, preset="demo", config=config, seed=seed, threads=threads).checkpoint


def learnt(parser: argparse.ArgumentParser, objective: str) -> int:
    """Train the base, and from it by an ``objective``, which the options of the ``parser`` fill in,
    once for each of the seeds; print how it went. What is finished is not done again. Returns the
    exit code.
    """
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=50, help="steps between evaluations")
    parser.add_argument("--rows", type=int, default=4096, help="strings of the training data")
    parser.add_argument("--judged", type=int, default=600, help="strings judged in the end")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    data = written(out / "strings", options.rows)
    wanted = judged_on(options.judged, options.rows)
    print(f"clean images: {read([drawn(text) for text in wanted], wanted)}", flush=True)
    given = {"ocr": OCR, "base": out / "base", **vars(options)}
    base = run(data, out / "base", (_BASE + _DATA).format(**given), 0, options.threads)
    before = judge(base, wanted, out / "base.png")
    print(f"base: {before}", flush=True)
    changes: dict[str, list[float]] = {"exact": [], "read": []}
    for seed in options.seeds:
        place, settings = out / f"seed-{seed}", (objective + _LEARNT + _DATA).format(**given)
        after = judge(
            run(data, place, settings, seed, options.threads), wanted, out / f"{place.name}.png"
        )
        report(place)
        print(f"  judged: {after}", flush=True)
        for reader, values in changes.items():
            values.append(
                100 * float(np.mean(getattr(after, reader)) - np.mean(getattr(before, reader)))
            )
    by_templates, by_ocr = map(interval, changes.values())
    print(f"\nchange in points over the seeds: templates {by_templates}, OCR {by_ocr}")
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"{sum(each.ru_utime + each.ru_stime for each in used):.0f} CPU-s in all")
    return 0


def report(out: Path) -> None:
    """Print the evaluations of a run, by held-out strings of the training data."""
    print(f"\n{out.name}\n  step  CPU-s  loss    exact by templates; by OCR; reward")
    for entry in curve(out):
        count = entry["held_out_rewarded"]
        by_ocr = Rate(round(entry["held_out_ocr_full"] * count), count)
        print(
            f"  {entry['step']:>4}  {entry['cpu_seconds']:>5.0f}  {entry['held_out_loss']:.4f}"
            f"  {rate(entry)}; {by_ocr}; {entry['held_out_ocr']:.4f}"
        )
