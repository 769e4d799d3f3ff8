"""What a free position costs a small model: how much a page's text says about its pixels, after as
many steps on hanzi that stand in a fixed cell, and on hanzi that stand anywhere.

    python -m benchmarks.free_positions --out OUT                       # 20 hanzi, 150 steps
    python -m benchmarks.free_positions --out OUT --hanzi 100 --steps 600

Pages of 64 px, one hanzi of 32 px in black on white, one face. What is measured is no accuracy but
its beginning: the loss on pages never trained on with their own text, and how much it rises with
the text of another page. A model that has not yet learnt which shape is asked for is as good with
either.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import pages_rendered, string_pages
from benchmarks.held_out_strings import train
from curation import shard
from curation.picture.colours import COLOURS
from synthesis import png
from synthesis.fonts.face import Font
from synthesis.pure import strings
from synthesis.sample import Sample, TextBox, row, upright_quad

SIDE, CELL = 64, 32  # pixels, of a page and of a hanzi
LEVELS = (0.95, 0.85, 0.7, 0.5, 0.3)  # shares of noise
_PAGES, _JUDGED = 8000, 64
_SETTINGS = """
batch: 128
data: {sizes: [], resize: false, held_out: 0, caption_dropout: 0}
text_encoder: {characters: 20992}
autoencoder: {channels: 16}
checkpoint: {every: 1000000}
"""


@dataclass(frozen=True)
class Page:
    """A hanzi whose upper left corner is at (``left``, ``top``)."""

    text: str
    left: int
    top: int

    @property
    def caption(self) -> str:
        """The hanzi, and no other word."""
        return f"“{self.text}”"


def pages(hanzi: str, seed: int, *, free: bool) -> Iterator[Page]:
    """Pages without end; of a fixed cell, the one in the middle of the left edge."""
    random = Random(f"{seed}:{free}")
    while True:
        left, top = (random.randint(0, SIDE - CELL) for _ in range(2)) if free else (0, CELL // 2)
        yield Page(random.choice(hanzi), left, top)


def pixels(pen: Font, page: Page) -> NDArray[np.uint8]:
    """(H, W, 4)."""
    paper = np.full((SIDE, SIDE, 4), 255, np.uint8)
    ink = COLOURS["black"]
    cell = strings.written(pen, "zh", page.text, ink, (CELL, CELL))
    paper[page.top : page.top + CELL, page.left : page.left + CELL] = cell
    return paper


def _row(pen: Font, page: Page, number: int) -> dict[str, object]:
    quad = upright_quad(page.left, page.top, page.left + CELL, page.top + CELL)
    boxes = tuple(TextBox(page.text, quad, level) for level in ("line", "glyph"))
    drawn = png.encode(pixels(pen, page))
    face = pen.file.postscript
    sample = Sample(drawn, SIDE, SIDE, page.text, page.caption, "zh", boxes, face)
    return dict.fromkeys(shard.schema().names) | dict(row(sample, f"page-{number:06d}", None))


@torch.no_grad()
def losses(checkpoint: Path, pen: Font, judged: Sequence[Page]) -> list[tuple[float, float]]:
    """At each of ``LEVELS`` the loss with the pages' own texts, and with each other's."""
    from train import flow, sampler
    from train.checkpoint import load_for_inference
    from train.packing import patches
    from train.packing.packed import Item, pack
    from train.pixels import scaled

    loaded = load_for_inference(checkpoint)
    assert loaded.configuration
    family = loaded.configuration.model
    truth = torch.cat([scaled(pixels(pen, page)[:, :, :3]) for page in judged])
    latents = loaded.autoencoder.encode(truth)
    noise = [sampler.noise(tuple(latents.shape[1:]), seed) for seed in range(len(judged))]
    data, noise = (
        torch.cat([patches.pack(each, family.patch) for each in of]) for of in (latents, noise)
    )
    means: list[tuple[float, float]] = []
    for level in LEVELS:
        sigma = torch.full((len(judged),), level)
        pair = []
        for texts in (judged, [*judged[1:], judged[0]]):
            features = loaded.text_encoder.encode([page.caption for page in texts])
            items = [Item(text, own) for text, own in zip(features, latents, strict=True)]
            packed = pack(items, [family.order(item) for item in items], sigma, family.patch)
            noisy = flow.path(data, noise, torch.full((len(data),), level))
            predicted = loaded.transformer(packed.with_targets(noisy, sigma))
            error = (predicted - flow.target(data, noise)).square().mean()
            pair.append(float(error))
        means.append((pair[0], pair[1]))
    return means


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hanzi", type=int, default=20)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pen, hanzi = string_pages.face(), pages_rendered.hanzi(options.hanzi)
    print(f"one face, {options.hanzi} hanzi, one to a page of {SIDE} px; {options.steps} steps")
    print("loss with the own text, and what another's text adds to it, by share of noise")
    for name, free in (("fixed", False), ("free", True)):
        made = list(islice(pages(hanzi, 1, free=free), _PAGES))
        judged = _neighbours_differ(islice(pages(hanzi, 2, free=free), 4 * _JUDGED))
        rows = [_row(pen, page, number) for number, page in enumerate(made)]
        data = string_pages.write_rows(options.out / name / "pages", rows)
        settings = f"steps: {options.steps}\nevaluation: {{every: {10 * options.steps}}}{_SETTINGS}"
        out = options.out / name / "train"
        run = train(name, data, out, options.threads, options.seed, settings)
        measured = losses(out / f"checkpoint-{options.steps}", pen, judged)
        shown = "  ".join(
            f"{level:.2f}: {own:.3f} {other - own:+.3f}"
            for level, (own, other) in zip(LEVELS, measured, strict=True)
        )
        print(f"{name:<6}{run.cpu_seconds:>6.0f} CPU-s  {shown}", flush=True)
    return 0


def _neighbours_differ(made: Iterator[Page]) -> list[Page]:
    """So many pages, each of another text than the one before it; the last differs from the first,
    too.
    """
    chosen: list[Page] = []
    for page in made:
        last = len(chosen) == _JUDGED - 1
        if page.text not in {each.text for each in (chosen[-1:] + (chosen[:1] if last else []))}:
            chosen.append(page)
        if len(chosen) == _JUDGED:
            break
    return chosen


if __name__ == "__main__":
    sys.exit(main())
