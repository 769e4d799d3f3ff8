"""Our renderer, and the bare cost of its pixels: what it painted, drawn and encoded once more, by
our PNG writer or by OpenCV's.

Told ``texts`` given, it draws the texts of the corpus alone, as its peers do: no rare characters
in their turn, and no pages of several paragraphs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from random import Random
from time import process_time
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import psutil

from benchmarks.peers.serving import Draw, Rendered, serve
from synthesis import jobs, modes, png, raster
from synthesis.job import Job
from synthesis.pure import backgrounds, texts
from synthesis.sample import Sample
from synthesis.template import filled

Again = Callable[[], bytes]
Encode = Callable[[raster.Pixels], bytes]
_QUICKEST = (  # of OpenCV's settings for such pictures
    cv2.IMWRITE_PNG_COMPRESSION,
    2,
    cv2.IMWRITE_PNG_FILTER,
    cv2.IMWRITE_PNG_FILTER_NONE,
)


def _by_opencv(canvas: raster.Pixels) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(canvas, cv2.COLOR_RGBA2BGR), _QUICKEST)[1].tobytes()


_BARE: dict[str, Encode] = {"bare": png.encode, "bare by OpenCV": _by_opencv}


def prepare(setup: dict[str, str]) -> Draw:
    """The bare ``variant``s lay the pictures out untimed, and time how they are drawn."""
    names = ("size", "corpus", "fonts", "backgrounds", "templates")
    options = {name: setup[name] for name in names if name in setup}
    job = jobs.prepare(setup["language"], setup["mode"], **options)  # type: ignore[arg-type]
    indices = count()
    bare = _BARE.get(setup["variant"])
    measured = partial(_bare, bare) if bare else _drawn
    if setup.get("texts") != "given":
        return lambda pictures: measured(job, indices, pictures, 0)

    def draw(pictures: int) -> Rendered:
        with patch.object(texts, "page", lambda random, job, first, size: first):
            return measured(job, indices, pictures, modes.MOST_ATTEMPTS_RARE)

    return draw


def _drawn(job: Job, indices: Iterator[int], pictures: int, attempt: int) -> Rendered:
    """Rejected texts cost time too: they are drawn until there are so many pictures."""
    drawn = Rendered(counts={"rejected": 0, "lines": 0})
    while drawn.pictures < pictures:
        made = modes.render(job, next(indices), attempt)
        if isinstance(made, Sample):
            _add(drawn, made)
        elif drawn.counts is not None:
            drawn.counts["rejected"] += 1
    if drawn.counts is not None:
        memory = psutil.Process().memory_info()
        drawn.counts["resident"] = memory.rss
        drawn.counts["own"] = memory.rss - memory.shared
    return drawn


def _add(drawn: Rendered, made: Sample) -> None:
    glyphs = lines = 0
    for box in made.boxes:
        glyphs += box.level == "glyph"
        lines += box.level == "line"
    drawn.add(made.width, made.height, glyphs, len(made.image))
    if drawn.counts is not None:
        drawn.counts["lines"] += lines


def _bare(
    encode: Encode, job: Job, indices: Iterator[int], pictures: int, attempt: int
) -> Rendered:
    """Every picture is first laid out and not drawn, then drawn in time: its glyphs are as new to
    Skia as they are to us.
    """
    drawn = Rendered(counts={"different": 0, "lines": 0})
    while drawn.pictures < pictures:
        index = next(indices)
        with _undrawn() as parts:
            laid = modes.render(job, index, attempt)
        if not isinstance(laid, Sample):
            continue
        again = _again(parts, encode)
        begun = process_time()
        image = again()
        drawn.cpu += process_time() - begun
        _add(drawn, laid)
        made = modes.render(job, index, attempt)
        if drawn.counts is not None:
            drawn.counts["different"] += not isinstance(made, Sample) or not np.array_equal(
                _decoded(image), _decoded(made.image)
            )
    return drawn


def _decoded(image: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_UNCHANGED)


@contextmanager
def _undrawn() -> Iterator[list[tuple[str, Any]]]:
    """The calls that make pixels, with what they were given, none of them carried out."""
    parts: list[tuple[str, Any]] = []

    def painted(random: Random, *given: Any) -> None:
        parts.append(("ground", (random.getstate(), given)))

    def inked(_canvas: Any, runs: Any, rgb: Any) -> None:
        parts.append(("runs", (runs, rgb)))

    def laid(*given: Any) -> None:
        parts.append(("slide", given))

    with (
        patch.object(backgrounds, "paint", painted),
        patch.object(raster, "render", inked),
        patch.object(png, "encode", lambda canvas: b""),
        patch.object(filled, "paint", laid),
    ):
        yield parts


def _again(parts: list[tuple[str, Any]], encode: Encode) -> Again:
    """A function that makes the picture from what was laid out before."""
    fields = dict(parts)
    if "slide" in fields:
        return lambda: encode(filled.paint(*fields["slide"]))
    (state, given), (runs, rgb) = fields["ground"], fields["runs"]
    random = Random()
    random.setstate(state)

    def again() -> bytes:
        canvas = backgrounds.paint(random, *given)
        raster.render(canvas, runs, rgb)
        return encode(canvas)

    return again


if __name__ == "__main__":
    serve(prepare)
