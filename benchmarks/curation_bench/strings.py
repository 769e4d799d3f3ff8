"""Clean strings of the pool, and those that a model is judged by: no text of these is in the pool.

As of ``python -m synthesis.render --mode strings``, at a size that every stage lets through.
"""

import itertools
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks import ablation_data, string_pages
from benchmarks.defects.ladders import RGB
from curation import shard
from synthesis.fonts.face import Font, font
from synthesis.pure import strings
from synthesis.sample import Sample, row
from train.data.examples import is_held_out

SIZE = (1024, 512)  # pixels, 16 times what a model is trained at
HELD_OUT = 1 / 32  # of all texts, by their hash: the trainer's own rule
_FOR_TEMPLATES = 900  # images that the trainer's reader knows glyphs by


@cache
def _pen() -> Font:
    return font(strings.choose_face("en", None))


def said(text: str, ink: str) -> str:
    """The caption."""
    return strings.CAPTION["en"].format(text=text, ink=ink, background="white")


def written(text: str, ink: str) -> tuple[RGB, str]:
    """A string as an (H, W, 3) image, and its caption."""
    (colour,) = (of for of in strings.INKS if of.name("en") == ink)
    pixels = strings.written(_pen(), "en", text, colour, SIZE)
    return np.ascontiguousarray(pixels[..., :3]), said(text, ink)


@dataclass
class Strings:
    """Never the same text twice, none that a model is judged by."""

    random: Random
    used: set[str] = field(default_factory=set)

    def drawn(self) -> tuple[RGB, str]:
        """The next, as ``written``."""
        while True:
            length = self.random.randint(1, strings.LONGEST)
            text = "".join(self.random.choices(strings.CHARACTERS["en"], k=length))
            ink = self.random.choice(strings.INKS)
            caption = said(text, ink.name("en"))
            if text in self.used or is_held_out(text, HELD_OUT) or is_held_out(caption, HELD_OUT):
                continue
            self.used.add(text)
            return written(text, ink.name("en"))


def judged(folder: Path, images: int) -> None:
    """Shards that ``python -m train --evaluate-on`` judges by: ``images`` of held-out texts, and
    others that its reader takes glyphs from.
    """
    rows: list[dict[str, Any]] = []
    left = {True: images, False: _FOR_TEMPLATES}
    seen: set[str] = set()
    for number in itertools.count():
        drawn = [Random(f"judged {number}") for _ in range(2)]
        text = strings.render(drawn[0], "en", _pen(), ablation_data.SIZE).text  # small: cheap
        held_out = is_held_out(text, HELD_OUT)
        if not left[held_out] or text in seen:
            continue
        seen.add(text)
        left[held_out] -= 1
        rows.append(_judged_row(strings.render(drawn[1], "en", _pen(), SIZE), len(rows)))
        if not any(left.values()):
            break
    string_pages.write_rows(folder, rows)


def _judged_row(sample: Sample, number: int) -> dict[str, Any]:
    full = dict.fromkeys(shard.schema().names)
    full |= dict(row(sample, f"judged-{number:06d}", None))
    full |= {"caption_raw": full["caption_recaption"], "caption_recaption": None}
    scaled = ablation_data.scaled(full)
    if scaled is None:
        raise ValueError(f"{sample.text}: our own image does not decode")
    return scaled
