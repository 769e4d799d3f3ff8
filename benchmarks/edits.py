"""What edits cost, how tight their masks are, and whether they can be read.

    python -m benchmarks.edits [--pairs 60] [--turns 3] [--read 60] [--language en]

*Cost*: CPU time of a pair, its images, mask and instructions written as a shard's row has them,
beside that of rendering two images of the same family (two layouts, two pages, two scenes) with
captions, in turns on one thread; the bar is 1.3. Scenes are JPEG, in pairs PNG: what that takes is
added to the images. *Masks*: of each operation the area of the mask beside that of the bounds of
what differs, piece by piece. *Read*: pairs of which a text is replaced, translated, added or
removed, read by OCR: the new text in the result and not in the input, the old one the other way
round.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from random import Random

import cv2
import numpy as np

from curation.failures.errors import UsageError
from curation.networks.edit_distance import edits as distance
from curation.picture import decoding
from synthesis import jobs, png
from synthesis.edits import kinds, masks
from synthesis.edits.edit import Edit
from synthesis.edits.kinds import Kind
from synthesis.edits.sample import sample
from synthesis.job import Job
from synthesis.proofreading import normalised
from synthesis.pure import paragraph
from synthesis.reading import Line, Proofreader
from synthesis.sample import Rejected, Sample, TextBox
from synthesis.scene import rendered
from synthesis.template import filled

BAR = 1.3  # of the time of two images
READ = ("text.replace", "text.translate", "text.add", "text.remove")
WRONG = 0.2  # of a text's characters: with more it was not read
Render = Callable[[Random, Job], Sample | Rejected]
RENDERERS: dict[str, Render] = {
    "layout": filled.render,
    "page": paragraph.render,
    "scene": rendered.render,
}


def of_family(random: Random, job: Job, family: str) -> Sample:
    """A pair of a family, by the shares of its operations."""
    own = [kind for kind in kinds.KINDS if kind.family == family]
    own = [kind for kind in own if job.other_fonts or kind.operation != "text.translate"]
    (kind,) = random.choices(own, [kind.share for kind in own])
    return sample(random, job, pair(random, job, kind))


def pair(random: Random, job: Job, kind: Kind) -> Edit:
    """An edit of a kind, the first that is not rejected."""
    while True:
        made = kind.make(random, job)
        if isinstance(made, Edit):
            return made


def image(random: Random, job: Job, family: str) -> Sample:
    """An image of a family, the first that is not rejected."""
    while True:
        made = RENDERERS[family](random, job)
        if isinstance(made, Sample):
            return made


def seconds(
    make: Callable[[Random, Job, str], object], job: Job, family: str, seeds: range
) -> float:
    """CPU seconds of one of them, over those seeds."""
    before = time.process_time()
    for seed in seeds:
        make(Random(seed), job, family)
    return (time.process_time() - before) / len(seeds)


def cost(job: Job, family: str, pairs: int, turns: int) -> float:
    """Milliseconds of a pair and of two images, printed; returns their ratio."""
    for make in (of_family, image):
        seconds(make, job, family, range(1000, 1000 + pairs))  # caches as in most of a job
    taken: dict[str, list[float]] = {"pair": [], "images": []}
    for turn in range(turns):
        seeds = range(turn * pairs, (turn + 1) * pairs)
        taken["pair"].append(seconds(of_family, job, family, seeds))
        taken["images"].append(2 * seconds(image, job, family, seeds))
    pair_ms, images_ms = (1000 * statistics.median(times) for times in taken.values())
    lossless = 2000 * as_png(job, family, pairs)
    ratio = pair_ms / (images_ms + lossless)
    verdict = "ok" if ratio <= BAR else "MISSED"
    print(
        f"{job.language} {family:7} {pair_ms:6.1f} ms a pair, {images_ms:6.1f} two images, "
        f"{lossless:.1f} their PNG: {ratio:.2f} (bar {BAR}) {verdict}"
    )
    return ratio


def as_png(job: Job, family: str, count: int) -> float:
    """CPU seconds that an image rendered as JPEG takes to be written as PNG, as in pairs."""
    taken = 0.0
    for seed in range(count):
        made = image(Random(seed), job, family)
        if made.format == "PNG":
            return 0.0
        rgb = decoding.decode(made.image, short_side=None).rgb
        canvas = np.ascontiguousarray(np.pad(rgb, ((0, 0), (0, 0), (0, 1)), constant_values=255))
        before = time.process_time()
        png.encode(canvas)
        taken += time.process_time() - before
    return taken / count


def tightness(edit: Edit) -> float:
    """The area of the mask beside that of the bounds of what differs, piece by piece."""
    if edit.mask is None:
        return 1.0
    differs = masks.differing(edit.source, edit.target).astype(np.uint8)
    count, pieces = cv2.connectedComponents(edit.mask)
    areas = []
    for number in range(1, count):
        *_, width, height = cv2.boundingRect(differs * (pieces == number).astype(np.uint8))
        areas.append(width * height)
    return np.count_nonzero(edit.mask) / max(1, sum(areas))


def reads(reader: Proofreader, pixels: np.ndarray, boxes: Sequence[TextBox], text: str) -> bool:
    """Whether a text is read where the boxes of one image of the pair say it is."""
    lines = _lines_of(boxes, text)
    rgb = np.ascontiguousarray(pixels[..., :3])
    read = normalised("".join(reader.line(rgb, line) for line in lines))
    wanted = normalised("".join(line.text for line in lines))
    return bool(lines) and distance(wanted, read) <= WRONG * len(wanted)


def _lines_of(boxes: Sequence[TextBox], text: str) -> list[Line]:
    lines, inside = [], False
    for box in boxes:
        inside = box.text == text if box.level == "block" else inside
        if inside and box.level == "line":
            lines.append(Line(box.text, box.quad, ()))
        elif inside and box.level == "glyph" and lines:
            lines[-1] = Line(lines[-1].text, lines[-1].quad, (*lines[-1].glyphs, box.quad))
    return lines


def proofread(job: Job, pairs: int) -> None:
    """Print of how many pairs the changed texts are read where they should be, and only there."""
    reader, random = Proofreader(), Random(3)
    own = [kind for kind in kinds.KINDS if kind.operation in READ and kind.family != "scene"]
    right = 0
    for number in range(pairs):
        edit = pair(random, job, own[number % len(own)])
        gone, come = (_only(edit.before, edit.after), _only(edit.after, edit.before))
        seen = [
            reads(reader, edit.source, edit.before, text)
            and not reads(reader, edit.target, edit.before, text)
            for text in gone
        ]
        seen += [
            reads(reader, edit.target, edit.after, text)
            and not reads(reader, edit.source, edit.after, text)
            for text in come
        ]
        right += all(seen)
        if not all(seen):
            print(f"  not read as said: {edit.change.operation} {gone} {come}")
    print(f"{job.language} read: {right} of {pairs} pairs")


def _only(boxes: Sequence[TextBox], others: Sequence[TextBox]) -> list[str]:
    there = [box.text for box in others if box.level == "block"]
    return [box.text for box in boxes if box.level == "block" and box.text not in there]


def main() -> None:
    """Print all of it for each language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--read", type=int, default=60)
    parser.add_argument("--language", choices=["en", "zh"], action="append")
    asked = parser.parse_args()
    ratios = []
    for language in asked.language or ["en", "zh"]:
        job = jobs.prepare(language, "edit")
        ratios += [cost(job, family, asked.pairs, asked.turns) for family in RENDERERS]
        random = Random(2)
        for kind in (kind for kind in kinds.KINDS if kind.family in {"layout", "page"}):
            tight = [tightness(pair(random, job, kind)) for _ in range(8)]
            ratio = statistics.median(tight)
            print(f"{language} mask {kind.operation:20} {kind.family:7} {ratio:.2f}")
        if asked.read:
            proofread(job, asked.read)
    raise SystemExit(int(max(ratios) > BAR))


if __name__ == "__main__":
    try:
        main()
    except UsageError as problem:
        raise SystemExit(str(problem)) from problem
