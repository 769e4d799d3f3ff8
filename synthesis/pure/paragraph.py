"""Mode ``pure``: a text of the corpus, set large and clean on a plain or lightly textured ground.

One character that cannot be rendered discards the whole text. If the first font of a random order
cannot render it, another does, or several together; only a text no font can render is rejected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from synthesis import captions, png, raster
from synthesis.description import Description, Name, Words
from synthesis.fonts.face import font
from synthesis.fonts.files import FontFile, is_handwriting
from synthesis.image_sizes import Size
from synthesis.job import Job
from synthesis.pure import backgrounds, faces, limits, setting, texts
from synthesis.pure.manner import Manner, choose
from synthesis.pure.pairs import Pair
from synthesis.pure.setting import Fitted
from synthesis.pure.textures import Rhythm
from synthesis.sample import Rejected, Sample, TextBox
from synthesis.text.block import Block
from synthesis.text.layout import Frame
from synthesis.unrenderable import UnrenderableError

SMALLEST = limits.SMALLEST
PAGE = Name("page", "页面")
VERTICAL = Name("vertical lines that go from right to left", "自右向左竖向")
_FAINT_STEM = 1.3  # pixels: thinner strokes never show their full colour
COLUMNS = {
    2: Name("two columns", "分两栏"),
    3: Name("three columns", "分三栏"),
    4: Name("four columns", "分四栏"),
}


@dataclass(frozen=True)
class Composed:
    """A text as it will stand on its canvas; ``is_faint`` asks for dark ink on light ground."""

    size: Size
    manner: Manner
    faces: tuple[FontFile, ...]
    frame: Frame
    fitted: Fitted
    boxes: tuple[TextBox, ...]
    is_faint: bool


def render(random: Random, job: Job, text: str | None = None) -> Sample | Rejected:
    """One sample, of the text or of one of the job's, or the reason why it was discarded."""
    size = random.choice(job.sizes)
    text = text or texts.choose(random, job, size)
    try:
        return _rendered(random, job, compose(random, job, text, size))
    except UnrenderableError as problem:
        return Rejected(problem.reason, problem.detail)


def compose(random: Random, job: Job, text: str, size: Size) -> Composed:
    """A text set on a canvas in a manner that suits both. Raises ``UnrenderableError``."""
    manner = choose(random, job.language, text, size)
    chosen = faces.choose(random, job.fonts, text)
    frame = setting.frame(random, size, manner.kind)
    fitted = setting.fit(text, job.language, chosen, manner, size, frame)
    boxes = fitted.block.boxes()
    faint = _measured(job.language, fitted.block, boxes, size).is_sparse
    faint |= fitted.block.size * font(chosen[0]).stem < _FAINT_STEM
    return Composed(size, manner, tuple(chosen), frame, fitted, boxes, faint)


def rhythm_of(composed: Composed) -> Rhythm:
    """Where the lines stand."""
    placed = composed.fitted.block
    return Rhythm(placed.runs[0].origins[0][1], composed.manner.setting.leading * placed.size)


def _rendered(random: Random, job: Job, composed: Composed) -> Sample:
    fitted, size, placed = composed.fitted, composed.size, composed.fitted.block
    ground = backgrounds.choose(random)
    pair = backgrounds.choose_pair(random, ground, faint=composed.is_faint)
    rhythm = rhythm_of(composed)
    canvas = backgrounds.paint(random, ground, pair, size, rhythm)
    raster.render(canvas, placed.runs, pair.ink_rgb)
    description = Description(
        kind=PAGE,
        words=(_words(placed, pair, size),),
        background=pair.background,
        gradient=pair.is_gradient,
        writing="handwritten" if is_handwriting(placed.faces[0]) else "printed",
        texture=ground.texture,
        layout=VERTICAL if fitted.vertical else COLUMNS.get(fitted.columns),
    )
    caption = captions.caption(random, job.language, description)
    return Sample(
        image=png.encode(canvas),
        width=size[0],
        height=size[1],
        text=placed.text,
        caption=caption,
        language=job.language,
        boxes=composed.boxes,
        font=placed.faces[0].postscript,
        annotation=captions.annotation(description, caption),
    )


def _words(placed: Block, pair: Pair, size: Size) -> Words:
    left, top, right, bottom = placed.box
    across, down = (left + right) / 2 / size[0], (top + bottom) / 2 / size[1]
    return Words(placed.text, "text", pair.ink, across, down)


def _measured(
    language: str, placed: Block, boxes: Sequence[TextBox], size: Size
) -> limits.Measured:
    """What a rule would see. Raises ``UnrenderableError`` where that breaks a limit."""
    left, top, right, bottom = placed.box
    if left < 0 or top < 0 or right > size[0] or bottom > size[1]:
        raise UnrenderableError("outside_canvas", f"{left, top, right, bottom}")
    measured = limits.measure(language, boxes, size)
    broken = limits.broken(language, measured, size)
    if broken:
        raise UnrenderableError(broken, f"{len(placed.text)} characters at {placed.size} px")
    return measured
