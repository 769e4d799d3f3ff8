"""Many pictures looked through for what must not be in any of them.

Glyphs: the engine's runs hold no glyph 0, and the pixels inside the box of every glyph that is
no blank differ. Lines: the tables of ``breaks`` find no wrong break. Scenes are looked at for
glyph 0 and line breaks alone, since light and wear change their pixels.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

from benchmarks.peers import breaks
from synthesis import jobs, modes, raster
from synthesis.fonts.languages import LANGUAGES
from synthesis.sample import Sample, TextBox

_LEAST_RANGE = 20  # of 255, in any channel, between the darkest and the lightest pixel of a glyph
_PORTION = 250  # pictures a task draws
_SHARES = (  # of the pictures; what is left is shared by all other languages in mode pure
    ("zh", "pure", "256x256", 0.3),
    ("en", "pure", "256x256", 0.25),
    ("zh", "template", "640", 0.05),
    ("en", "template", "640", 0.05),
    ("zh", "scene", "640", 0.02),
    ("en", "scene", "640", 0.02),
)
Task = tuple[str, str, str, int, int]


def look(pictures: int, workers: int) -> Counter[str]:
    """Counts of pictures, glyphs, lines, faces and faults, and ``example:...`` of each fault."""
    counts: Counter[str] = Counter()
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for part in pool.map(_look, tasks(pictures)):
            counts.update(part)
    return counts


def tasks(pictures: int) -> list[Task]:
    """(language, mode, size, first index, count) of so many pictures in all."""
    others = sorted(set(LANGUAGES) - {"en", "zh"})
    rest = 1 - sum(share for *_, share in _SHARES)
    kinds = [*_SHARES, *((other, "pure", "256x256", rest / len(others)) for other in others)]
    chunks = []
    for language, mode, size, share in kinds:
        wanted = max(1, round(pictures * share))
        for first in range(0, wanted, _PORTION):
            chunks.append((language, mode, size, first, min(_PORTION, wanted - first)))
    return chunks


def _look(task: Task) -> Counter[str]:
    language, mode, size, first, count = task
    cv2.setNumThreads(1)
    job = jobs.prepare(language, mode, size=size)
    counts: Counter[str] = Counter()
    runs: list[Any] = []
    draw = raster.render

    def watching(canvas: Any, drawn: Any, rgb: Any) -> None:
        runs.extend(drawn)
        draw(canvas, drawn, rgb)

    with patch.object(raster, "render", watching):
        for index in range(first, first + count):
            runs.clear()
            made = modes.render(job, index)
            if isinstance(made, Sample):
                counts.update(_faults(made, runs, language, mode))
            else:
                counts[f"rejected: {made.reason}"] += 1
    return counts


def _faults(made: Sample, runs: Sequence[Any], language: str, mode: str) -> Counter[str]:
    counts = Counter({"pictures": 1, f"pictures: {mode} {language}": 1})
    for run in runs:
        counts[f"face: {run.font.file.postscript}"] += 1
        counts["notdef"] += sum(glyph == 0 for glyph in run.glyphs)
    glyphs = [box for box in made.boxes if box.level == "glyph" and not box.text.isspace()]
    counts["glyphs"] += len(glyphs)
    if mode != "scene":
        for box in _empty(made, glyphs):
            counts["empty"] += 1
            counts[f"example: empty {language} {made.font} {box.text!r}"] += 1
    for before, after, hard in _line_pairs(made.boxes):
        counts["lines"] += 1
        if hard:
            continue
        counts["soft breaks"] += 1
        kinsoku = breaks.breaks_kinsoku(before, after, language)
        for name, wrong in (("kinsoku", kinsoku), ("words", breaks.splits_word(before, after))):
            if wrong:
                counts[name] += 1
                counts[f"example: {name} {mode} {language} {before[-6:]}|{after[:6]}"] += 1
    return counts


def _empty(made: Sample, glyphs: Sequence[TextBox]) -> Iterator[TextBox]:
    pixels = cv2.imdecode(np.frombuffer(made.image, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("a picture that cannot be decoded")
    for box in glyphs:
        left, top = int(min(box.quad[0::2])) - 1, int(min(box.quad[1::2])) - 1
        right, bottom = int(max(box.quad[0::2])) + 2, int(max(box.quad[1::2])) + 2
        inside = pixels[max(top, 0) : bottom, max(left, 0) : right]
        if not inside.size or int(np.ptp(inside.reshape(-1, 3), axis=0).max()) < _LEAST_RANGE:
            yield box


def _line_pairs(boxes: Sequence[TextBox]) -> Iterator[tuple[str, str, bool]]:
    """(the text so far, the line, whether the text itself breaks there), for every line.

    The blanks the text has between two lines stand at the end of the first.
    """
    block, place, before = "", 0, ""
    for box in boxes:
        if box.level == "block":
            block, place, before = box.text, 0, ""
        elif box.level == "line":
            start = block.find(box.text, place)
            if start < 0:
                raise ValueError(f"the line {box.text!r} is not in {block[place:]!r}")
            between = block[place:start]
            yield before + between, box.text, not before or "\n" in between
            place, before = start + len(box.text), box.text
