"""What a model made of held-out pages: is the new text right, and did the other line stay?

Shapes: B pages, H W pixels, h w latent cells.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks import string_edits
from benchmarks.string_edits import LINE, Line, Pair
from curation.picture.likeness import decibels
from synthesis.fonts.face import Font
from synthesis.pure import strings
from train.checkpoint import load_for_inference
from train.data.batches import RECONSTRUCT
from train.data.latents import encode
from train.generating import Generator, Inputs
from train.pixels import Pixels, as_image, scaled
from train.string_reader import Key, Reader

_SHOWN = 16  # pages in the grid
_BATCH = 40
_SHIFTS = range(-3, 4)  # pixels


@dataclass(frozen=True)
class Judged:
    """``figures`` by name, and rows of input, edited and truth."""

    figures: dict[str, float]
    grid: list[tuple[Image.Image, Image.Image, Image.Image]]


def judge(
    checkpoint: Path, pairs: Sequence[Pair], pages: Sequence[tuple[Line, ...]] = ()
) -> Judged:
    """The model of a training output, on pairs and pages it never saw.

    ``text.replace`` and so on are shares of changed lines that read exactly as asked, ink included;
    ``unchanged_line`` of other lines that still read as before. ``unchanged_psnr`` (dB) is the mean
    over the other lines; ``ceiling`` figures are those of the truth after the autoencoder. Where it
    learnt these tasks, too, ``t2i_line`` is the share of lines that are right on ``pages`` made of
    captions, ``i2i_line`` and ``i2i_psnr`` on those made of what the text encoder sees of them.
    """
    loaded = load_for_inference(checkpoint)
    if loaded.configuration is None:
        raise ValueError(f"{checkpoint}: no training output of ours")
    parts = (loaded.transformer, loaded.text_encoder, loaded.autoencoder)
    generator = Generator(*parts, loaded.configuration, "cpu")
    pen = string_edits.face()
    before, after = (
        [string_edits.page(pen, lines) for lines in side]
        for side in ([pair.before for pair in pairs], [pair.after for pair in pairs])
    )
    asked = [pair.instruction for pair in pairs]
    edited = _generated(generator, asked, before, [_inputs(generator, page) for page in before])
    truth = torch.cat([scaled(page) for page in after])
    kept = loaded.autoencoder.decode(loaded.autoencoder.encode(truth)).float()
    reader = _reader(pen)
    figures = _figures(reader, pairs, edited, truth)
    ceiling = _figures(reader, pairs, kept, truth)
    figures |= {f"ceiling_{name}": value for name, value in ceiling.items()}
    figures["ceiling_psnr"] = figures.pop("ceiling_unchanged_psnr")
    figures |= _by_other_tasks(generator, reader, pages)
    rows = zip(before[:_SHOWN], edited, after, strict=False)
    grid = [(Image.fromarray(a), as_image(b), Image.fromarray(c)) for a, b, c in rows]
    return Judged(figures, grid)


def _inputs(generator: Generator, page: Pixels) -> Inputs:
    """What a model sees of a page that it edits."""
    references = generator.configuration.data.references
    return Inputs(
        () if references == "text" else (encode(generator.autoencoder, page),),
        () if references == "latents" else (page,),
    )


def _generated(
    generator: Generator,
    asked: Sequence[str],
    pages: Sequence[Pixels],
    inputs: Sequence[Inputs],
) -> Tensor:
    """(B, 3, H, W): what the model makes of captions or instructions, as large as the pages."""
    factor = generator.autoencoder.factor
    cells = (pages[0].shape[0] // factor, pages[0].shape[1] // factor)
    made: list[Tensor] = []
    for start in range(0, len(asked), _BATCH):
        part = asked[start : start + _BATCH]
        seeds = range(start, start + len(part))
        made.append(generator.generate(part, cells, seeds, inputs[start : start + _BATCH]))
    return torch.cat(made)


def _by_other_tasks(
    generator: Generator, reader: Reader, pages: Sequence[tuple[Line, ...]]
) -> dict[str, float]:
    pen, figures = string_edits.face(), dict[str, float]()
    tasks = generator.configuration.tasks if pages else ()
    shown = [string_edits.page(pen, lines) for lines in pages]
    if "t2i" in tasks:
        asked = [string_edits.caption(lines) for lines in pages]
        made = _generated(generator, asked, shown, [Inputs()] * len(pages))
        figures["t2i_line"] = _lines_right(reader, pages, made)
    if "i2i" in tasks:
        asked = [RECONSTRUCT] * len(pages)
        made = _generated(generator, asked, shown, [Inputs((), (page,)) for page in shown])
        figures["i2i_line"] = _lines_right(reader, pages, made)
        figures["i2i_psnr"] = float(
            np.mean([_psnr(each, scaled(page)[0]) for each, page in zip(made, shown, strict=True)])
        )
    return figures


def _lines_right(reader: Reader, pages: Sequence[tuple[Line, ...]], made: Tensor) -> float:
    right = []
    for lines, page in zip(pages, made, strict=True):
        read = reader.read(torch.stack(page.split(LINE[1], 1)))
        right += [own == _keys(line, len(own)) for own, line in zip(read, lines, strict=True)]
    return float(np.mean(right))


def _reader(pen: Font) -> Reader:
    """Nearest template of every character in every ink, and of an empty cell."""
    cell = (strings.cell_width("en", LINE[1]), LINE[1])
    keys: list[Key] = [("", "")]
    templates = [np.full((cell[1], cell[0], 3), 255, np.uint8)]
    for ink in strings.INKS:
        for character in strings.CHARACTERS["en"]:
            keys.append((character, ink.name("en")))
            line = strings.written(pen, "en", character, ink, LINE)
            templates.append(line[:, : cell[0], :3])
    stacked = torch.cat([scaled(np.ascontiguousarray(each)) for each in templates])
    return Reader(tuple(keys), stacked.flatten(1), cell)


def _figures(
    reader: Reader, pairs: Sequence[Pair], pages: Tensor, truth: Tensor
) -> dict[str, float]:
    right: dict[str, list[bool]] = defaultdict(list)
    levels: list[float] = []
    shifts: list[int] = []
    for pair, page, wanted in zip(pairs, pages, truth, strict=True):
        lines, expected = page.split(LINE[1], 1), wanted.split(LINE[1], 1)
        read = reader.read(torch.stack(lines))
        for place, line in enumerate(pair.after):
            name = pair.operation if place == pair.place else "unchanged_line"
            right[name].append(read[place] == _keys(line, len(read[place])))
        other = 1 - pair.place
        levels.append(_psnr(lines[other], expected[other]))
        shifts.append(_shift(lines[other], expected[other]))
    return {
        **{name: float(np.mean(values)) for name, values in sorted(right.items())},
        "unchanged_psnr": float(np.mean(levels)),
        "unchanged_psnr_lowest": min(levels),
        "largest_shift": float(max(shifts)),
    }


def _keys(line: Line, cells: int) -> list[Key]:
    written: list[Key] = [(character, line.ink.name("en")) for character in line.text]
    return written + [("", "")] * (cells - len(written))


def _psnr(image: Tensor, truth: Tensor) -> float:
    """In dB, of images (3, H, W) in [-1, 1]."""
    error = float(((image - truth) / 2).pow(2).mean())
    return decibels(error)


def _shift(image: Tensor, truth: Tensor) -> int:
    """By how many pixels, along the axis along which it is more, an image (3, H, W) is off."""
    errors = {
        (down, across): float((image.roll((down, across), (1, 2)) - truth).pow(2).sum())
        for down in _SHIFTS
        for across in _SHIFTS
    }
    return max(map(abs, min(errors, key=lambda each: errors[each])))
