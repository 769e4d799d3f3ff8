"""Mode ``pure``: a text of the corpus, set large and clean on a plain or lightly textured ground.

One character that cannot be drawn discards the whole text. If the first font of a random order
cannot draw it, the next is tried; only a text no font can draw is rejected.
"""

from collections.abc import Sequence
from random import Random

from synthesis import captions, drawing
from synthesis.canvas import Size
from synthesis.colours import Pair
from synthesis.description import Description, Name, Words
from synthesis.fonts.files import FontFile, covers, is_handwriting
from synthesis.job import Job
from synthesis.problems import UnrenderableError
from synthesis.pure import backgrounds, limits, setting, texts
from synthesis.pure.backgrounds import Rhythm
from synthesis.pure.manner import Manner, choose
from synthesis.pure.setting import Fitted
from synthesis.sample import Rejected, Sample, TextBox
from synthesis.text.block import Block

SMALLEST = limits.SMALLEST
HANDWRITTEN_SHARE = 0.2  # where there are faces of both kinds
_MONOSPACED_SHARE = 0.3  # of the pictures where such faces are as likely as others
_MONOSPACED = ("Mono", "Math", "Typewriter")  # in a family's name
PAGE = Name("page", "页面")
VERTICAL = Name("vertical lines that go from right to left", "自右向左竖向")
COLUMNS = {
    2: Name("two columns", "分两栏"),
    3: Name("three columns", "分三栏"),
    4: Name("four columns", "分四栏"),
}


def draw(random: Random, job: Job) -> Sample | Rejected:
    """One sample or the reason why its text was discarded."""
    size = random.choice(job.sizes)
    text = texts.choose(random, job, size)
    manner = choose(random, job.language, text, size)
    try:
        faces = _faces(random, job.fonts, text)
        frame = setting.frame(random, size)
        fitted = setting.fit(text, job.language, faces, manner, size, frame)
        boxes = fitted.block.boxes()
        _check(job.language, fitted.block, boxes, size)
        return _drawn(random, job, fitted, boxes, manner, size)
    except UnrenderableError as problem:
        return Rejected(problem.reason, problem.detail)


def _drawn(
    random: Random,
    job: Job,
    fitted: Fitted,
    boxes: tuple[TextBox, ...],
    manner: Manner,
    size: Size,
) -> Sample:
    placed = fitted.block
    ground = backgrounds.choose(random)
    pair = backgrounds.choose_pair(random, ground)
    rhythm = Rhythm(placed.runs[0].origins[0][1], manner.setting.leading * placed.size)
    canvas = backgrounds.paint(random, ground, pair, size, rhythm)
    drawing.draw(canvas, placed.runs, pair.ink_rgb)
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
        image=drawing.encode(canvas),
        width=size[0],
        height=size[1],
        text=placed.text,
        caption=caption,
        language=job.language,
        boxes=boxes,
        font=placed.faces[0].postscript,
        annotation=captions.annotation(description, caption),
    )


def _words(placed: Block, pair: Pair, size: Size) -> Words:
    left, top, right, bottom = placed.box
    across, down = (left + right) / 2 / size[0], (top + bottom) / 2 / size[1]
    return Words(placed.text, "text", pair.ink, across, down)


def _check(language: str, placed: Block, boxes: Sequence[TextBox], size: Size) -> None:
    left, top, right, bottom = placed.box
    if left < 0 or top < 0 or right > size[0] or bottom > size[1]:
        raise UnrenderableError("outside_canvas", f"{left, top, right, bottom}")
    broken = limits.broken(language, boxes, size)
    if broken:
        raise UnrenderableError(broken, f"{len(placed.text)} characters at {placed.size} px")


def _faces(random: Random, faces: Sequence[FontFile], text: str) -> list[FontFile]:
    """The first face of a random order that has every character; else all, to help each other.

    Each family is as likely to be first as any other of its kind.
    """
    by_hand = random.random() < HANDWRITTEN_SHARE
    families: dict[str, list[FontFile]] = {}
    for face in faces:
        families.setdefault(face.family, []).append(face)
    names = list(families)
    random.shuffle(names)
    rare = random.random() >= _MONOSPACED_SHARE
    plain = {name for name in names if rare and any(word in name for word in _MONOSPACED)}
    for name in names:
        random.shuffle(families[name])
    names.sort(key=lambda name: is_handwriting(families[name][0]) != by_hand or name in plain)
    ordered = [face for name in names for face in families[name]]
    whole = (face for face in ordered if covers(face, text.replace("\n", "")))
    first = next(whole, None)
    return [first] if first else ordered
