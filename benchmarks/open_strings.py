"""Strings of which captions leave open how they look: a model has to choose, and few steps mix.

A string has one to four letters in cells of 16x32 px, each upper or lower case, a shade darker than
a ground of any light colour; a caption says the letters alone. So little contrast is decided upon
late, at little noise. A letter counts where its cell is one of the two answers, on the ground that
the image has, and no mixture: its distance to the nearest template is at most ``SURE`` of that to
any other. A string counts where all cells do.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from string import ascii_letters, ascii_uppercase
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.string_pages import write_rows
from curation import shard
from curation.picture.colours import Colour
from synthesis import png
from synthesis.fonts.face import Font, font
from synthesis.pure import strings
from synthesis.sample import Sample, TextBox, row, upright_quad
from train.autoencoders.autoencoder import Autoencoder
from train.data.examples import is_held_out
from train.figures import Rate

WIDTH, HEIGHT, CELL = 64, 32, 16  # pixels
LIGHT = (120, 255)  # of each channel of a ground
SHADE = 0.75  # of the ground's light: what letters have
SURE = 0.5
HELD_OUT = 0.125  # of texts, as the trainer holds out
_SHOWN = (*ascii_letters, "")  # what a cell may show
_BLACK = Colour("black", "", (0, 0, 0))

Floats = NDArray[np.float32]


def text(random: Random) -> str:
    """What a caption asks for."""
    return "".join(random.choices(ascii_uppercase, k=random.randint(1, strings.LONGEST)))


def caption(asked: str) -> str:
    """The letters, and no other word: words are most of what a step costs."""
    return f'"{asked}"'


def _pen() -> Font:
    return font(strings.choose_face("en", None))


def _covered(pen: Font, shown: str) -> Floats:
    """How much of each pixel (H, W) letters cover, 0 to 1."""
    black = strings.written(pen, "en", shown, _BLACK, (WIDTH, HEIGHT))
    covered: Floats = 1 - black[:, :, 0].astype(np.float32) / 255
    return covered


def rows(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Rows of a shard."""
    pen, random = _pen(), Random(f"open strings:{seed}")
    for number in range(count):
        asked = text(random)
        shown = "".join(random.choice([each, each.lower()]) for each in asked)
        ground = np.array([random.randint(*LIGHT) for _ in range(3)], np.float32)
        canvas = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
        light = 1 - (1 - SHADE) * _covered(pen, shown)
        canvas[:, :, :3] = np.round(light[:, :, None] * ground)
        box = TextBox(asked, upright_quad(0, 0, len(asked) * CELL, HEIGHT), "line")
        drawn, name = png.encode(canvas), pen.file.postscript
        sample = Sample(drawn, WIDTH, HEIGHT, asked, caption(asked), "en", (box,), name)
        yield dict.fromkeys(shard.schema().names) | dict(row(sample, f"open-{number:05d}", None))


def written(out: Path, count: int = 4096) -> str:
    """Shards of so many strings; returns their glob. What is there is not written again."""
    if not (out / "part-00000.parquet").is_file():
        write_rows(out, list(rows(1, count)))
    return str(out / "part-*.parquet")


def prompts(count: int, skipped: int = 0) -> list[str]:
    """So many texts that are held out, each once, behind so many others."""
    random, chosen = Random("held-out open strings"), dict[str, None]()
    while len(chosen) < skipped + count:
        asked = text(random)
        if is_held_out(asked, HELD_OUT):
            chosen[asked] = None
    return list(chosen)[skipped:]


class Reader:
    """Reads cells as they are behind an autoencoder, which no model betters."""

    def __init__(self, autoencoder: Autoencoder) -> None:
        pen = _pen()
        cells = [_covered(pen, shown)[:, :CELL] for shown in _SHOWN]
        self._light = torch.from_numpy(1 - (1 - SHADE) * np.stack(cells))  # (K, H, W)
        self._autoencoder = autoencoder

    def right(self, images: Tensor, asked: Sequence[str], sure: float = SURE) -> list[bool]:
        """Of images (B, 3, H, W) in [-1, 1], whether they show what was asked for."""
        return [self._is_right(*each, sure) for each in zip(images, asked, strict=True)]

    def _is_right(self, image: Tensor, asked: str, sure: float) -> bool:
        ground = (image.flatten(1).median(1).values + 1) / 2
        light = self._light[:, None] * ground[:, None, None]
        templates = self._autoencoder.decode(self._autoencoder.encode(light * 2 - 1)).flatten(1)
        cells = image.unfold(2, CELL, CELL).permute(2, 0, 1, 3).flatten(1)
        nearest, which = torch.cdist(cells, templates).topk(2, largest=False)
        read = [_SHOWN[place].upper() for place in which[:, 0].tolist()]
        decided = bool((nearest[:, 0] <= sure * nearest[:, 1]).all())
        return decided and read == [*asked, *[""] * (len(cells) - len(asked))]


@torch.no_grad()
def images(
    checkpoint: Path, asked: Sequence[str], steps: int, guidance: float
) -> tuple[Tensor, Reader]:
    """What a checkpoint makes (B, 3, H, W) of texts in so many Euler steps, with guidance or (1)
    without, and what reads it.
    """
    from train import flow, sampler
    from train.checkpoint import load_for_inference
    from train.sampler import Asked

    loaded = load_for_inference(checkpoint)
    assert loaded.configuration
    autoencoder = loaded.autoencoder
    *texts, empty = loaded.text_encoder.encode([*map(caption, asked), ""])
    shape = (autoencoder.channels, HEIGHT // autoencoder.factor, WIDTH // autoencoder.factor)
    given = [Asked(each, shape, seed, empty, guidance) for seed, each in enumerate(texts)]
    latents: list[Tensor] = []
    for start in range(0, len(given), 64):
        latents += sampler.sample(
            sampler.anew(loaded.transformer),
            loaded.family,
            given[start : start + 64],
            steps=steps,
            flow=flow.build(loaded.configuration.flow),
        )
    return autoencoder.decode(torch.stack(latents)).float(), Reader(autoencoder)


def judged(checkpoint: Path, asked: Sequence[str], steps: int, guidance: float) -> Rate:
    """How many of the texts a checkpoint writes."""
    made, reader = images(checkpoint, asked, steps, guidance)
    right = reader.right(made, asked)
    return Rate(sum(right), len(right))
