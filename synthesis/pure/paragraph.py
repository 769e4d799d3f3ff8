"""Mode ``pure``: a text of the corpus, set large and clean on a solid or shaded background.

One character that cannot be drawn discards the whole text. If the first font of a random order
cannot draw it, the next is tried; only a text no font can draw is rejected.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from synthesis import colours, drawing
from synthesis.canvas import Size
from synthesis.fonts.face import Font, font
from synthesis.fonts.files import FontFile
from synthesis.job import Job
from synthesis.problems import UnrenderableError
from synthesis.pure import captions
from synthesis.pure.manner import Kind, Manner, choose
from synthesis.sample import Rejected, Sample, TextBox, upright_quad
from synthesis.text import breaking, layout, placing
from synthesis.text import lines as setting
from synthesis.text.layout import Frame
from synthesis.text.placing import PlacedLine

SMALLEST = {"en": 11, "zh": 14}  # pixels per em: below that small forms run together
GRADIENT_SHARE = 0.3
_LARGEST_SHARE = {"en": 0.3, "zh": 0.34}  # of the canvas's short side
_LEAST_ADVANCE = 0.2
_WIDEST_MARGIN = 0.14  # of a side
_LEAST_MEASURE = {  # ems: text that wraps is not set so large that its lines get shorter
    "en": {Kind.SIGN: 4.0, Kind.SHORT: 7.0, Kind.PROSE: 8.0, Kind.LINES: 8.0},
    "zh": {Kind.SIGN: 4.0, Kind.SHORT: 6.0, Kind.PROSE: 8.0, Kind.LINES: 8.0},
}
_WORTH_PHRASES = {"en": 0.62, "zh": 0.5}  # breaking at phrases may cost so much of the size


@dataclass(frozen=True)
class _Fitted:
    """The units a text's lines are made of, the largest size they fit at, and the longest line
    in ems: signs and short texts keep their lines when set smaller, prose fills the frame.
    """

    units: list[list[setting.Unit]]
    size: int
    measure: float


def draw(random: Random, job: Job) -> Sample | Rejected:
    """One sample or the reason why its text was discarded."""
    text = random.choice(job.paragraphs).text
    manner = choose(random, job.language, text)
    canvas_size = random.choice(job.sizes)
    frame = _frame(random, *canvas_size)
    try:
        _check_length(text, job.language, canvas_size)
        loaded = _first_that_can(random, job, text, manner)
        fitted = _fit(loaded, job.language, canvas_size, text, manner, frame)
        size = max(SMALLEST[job.language], int(fitted.size * manner.share_of_largest))
        measure = min(fitted.measure, frame.width / size)
        placed = layout.place(fitted.units, frame, manner.setting, size, measure)
        _check_inside(placed, canvas_size)
    except UnrenderableError as problem:
        return Rejected(problem.reason, problem.detail)
    pair = colours.choose_pair(random, gradient=random.random() < GRADIENT_SHARE)
    canvas = drawing.shaded(*canvas_size, pair.near_end, pair.far_end, random.choice((0, 1, 2)))
    drawing.draw(canvas, placing.runs(size, placed), pair.ink_rgb)
    return Sample(
        image=drawing.encode(canvas),
        width=canvas_size[0],
        height=canvas_size[1],
        text=text,
        caption=captions.caption(random, job.language, text, pair),
        language=job.language,
        boxes=_boxes(placed),
        font=loaded.file.postscript,
    )


def _check_length(text: str, language: str, size: Size) -> None:
    """Refuse what cannot fit before it is shaped: hardly a character is below a fifth of an em."""
    smallest = SMALLEST[language]
    if len(text) * _LEAST_ADVANCE * smallest**2 > size[0] * size[1]:
        raise UnrenderableError("does_not_fit", f"{len(text)} characters on {size}")


def _frame(random: Random, width: int, height: int) -> Frame:
    margin = random.uniform(0.07, 0.12) * math.sqrt(width * height)
    left, top = min(margin, _WIDEST_MARGIN * width), min(margin, _WIDEST_MARGIN * height)
    return Frame(left, top, width - 2 * left, height - 2 * top)


def _first_that_can(random: Random, job: Job, text: str, manner: Manner) -> Font:
    first_problem: UnrenderableError | None = None
    for face in _font_order(random, job.fonts):
        try:
            setting.units(font(face), text, job.language, manner.tracking)
            return font(face)
        except UnrenderableError as problem:
            first_problem = first_problem or problem
    raise first_problem or UnrenderableError("no_font")


def _font_order(random: Random, faces: Sequence[FontFile]) -> list[FontFile]:
    """All faces in random order, each family as likely to be first as any other."""
    families: dict[str, list[FontFile]] = {}
    for face in faces:
        families.setdefault(face.family, []).append(face)
    names = list(families)
    random.shuffle(names)
    for name in names:
        random.shuffle(families[name])
    return [face for name in names for face in families[name]]


def _fit(
    loaded: Font, language: str, canvas_size: Size, text: str, manner: Manner, frame: Frame
) -> _Fitted:
    """Break anywhere allowed, or at phrases only where that costs little of the size."""
    anywhere = setting.units(loaded, text, language, manner.tracking)
    most = round(_LARGEST_SHARE[language] * min(canvas_size))
    most_wrapped = int(min(most, frame.width / _LEAST_MEASURE[language][manner.kind]))

    def largest(units: list[list[setting.Unit]], most: int, *, wrap: bool) -> int | None:
        sizes = range(SMALLEST[language], max(SMALLEST[language], most) + 1)
        return layout.largest_size(units, frame, manner.setting.leading, sizes, wrap=wrap)

    if manner.kind == Kind.LINES and (whole := largest(anywhere, most, wrap=False)):
        return _Fitted(anywhere, whole, frame.width / whole)
    free = largest(anywhere, most_wrapped, wrap=True)
    if free is None:
        raise UnrenderableError("does_not_fit", f"at {SMALLEST[language]} px on {canvas_size}")
    if manner.kind == Kind.PROSE:
        return _Fitted(anywhere, free, math.inf)
    breaks = breaking.halves if manner.halves else breaking.phrases
    phrases = setting.units(loaded, text, language, manner.tracking, breaks)
    size = largest(phrases, most, wrap=True)
    if size is not None and size >= _WORTH_PHRASES[language] * free:
        return _Fitted(phrases, size, frame.width / size)
    return _Fitted(anywhere, free, frame.width / free)


def _check_inside(placed: Sequence[PlacedLine], size: tuple[int, int]) -> None:
    left, top, right, bottom = placing.bounds([line.box for line in placed])
    if left < 0 or top < 0 or right > size[0] or bottom > size[1]:
        raise UnrenderableError("outside_canvas", f"{left, top, right, bottom}")


def _boxes(placed: Sequence[PlacedLine]) -> tuple[TextBox, ...]:
    boxes: list[TextBox] = []
    for line in placed:
        boxes.append(TextBox(line.text, upright_quad(*line.box), "line"))
        boxes += [TextBox(one.text, upright_quad(*one.box), "glyph") for one in line.clusters]
    return tuple(boxes)
