"""Mode template: slots of a layout filled with texts.

A template that suits the canvas, contents that belong together, a palette and a pair of families
are chosen; then the texts are set at the largest scale at which all of them fit, so that the sizes
of the template keep their proportions.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np
import skia
from numpy.typing import NDArray

from curation.picture.colours import RGB, Colour, nearest
from synthesis import captions, png, raster
from synthesis.corpus import Paragraph
from synthesis.description import Description, Name, Words
from synthesis.image_sizes import Size
from synthesis.job import Job
from synthesis.sample import Rejected, Sample, TextBox
from synthesis.template import art, backdrops, belonging, faces, loading, resources, shapes
from synthesis.template.backdrops import Backdrop
from synthesis.template.colouring import Colours
from synthesis.template.contents import Record, Verbatim
from synthesis.template.expanding import Part
from synthesis.template.laying import Filling, Placed, as_full_as_fits, unit_of
from synthesis.template.models import Loaded
from synthesis.template.typeset import SetText
from synthesis.unrenderable import UnrenderableError

_PARAGRAPH = {"en": (40, 700), "zh": (14, 400)}  # characters of a text for columns of prose
_MOST_PARAGRAPHS = 14
_MOST_DETAILS = 3
_COARSE = 16  # pixels of the canvas to one that is looked at for the colour of the ground
_SWAPPED = 0.4  # share of images whose accent is their primary colour
_ROLES = {  # of styles whose names tell of looks alone
    "display": "title",
    "lead": "body",
    "strong": "text",
    "small": "note",
    "tag": "label",
    "figure": "value",
}
SEEN = {  # shapes worth a word, by their names
    "hills": Name("drawing of hills", "一幅山丘的插画"),
    "peaks": Name("drawing of snowy mountains", "一幅雪山的插画"),
    "sea": Name("drawing of a sail on the sea", "一幅海上帆船的插画"),
    "city": Name("drawing of a city at night", "一幅城市夜景的插画"),
    "shapes": Name("pattern of circles and squares", "由圆和方块组成的图案"),
    "leaves": Name("drawing of leafy stems", "一幅枝叶的插画"),
    "waves": Name("pattern of waves", "波浪图案"),
    "table": Name("drawing of a laid plate", "一幅餐盘的插画"),
    "goods": Name("drawing of a bottle and a parcel", "一幅瓶子和盒子的插画"),
    "person": Name("drawing of a person without a face", "一幅没有面孔的人像插画"),
    "bars": Name("bar chart", "柱状图"),
    "lines": Name("line chart", "折线图"),
    "pie": Name("pie chart", "饼图"),
    "donut": Name("ring chart", "环形图"),
    "map": Name("street map", "街道地图"),
}


def render(random: Random, job: Job) -> Sample | Rejected:
    """One sample or the reason why its text was discarded.

    Of the sizes those are rendered that a template suits, and of these templates each as likely as
    any other: so the fewest look alike.
    """
    return render_template(random, job, *choose(random, job))


def choose(random: Random, job: Job) -> tuple[Loaded, Size]:
    """A template and a canvas that suits it, as ``render`` chooses them."""
    size = random.choice(loading.suited(job.templates, job.language, job.sizes))
    return random.choice(loading.suiting(job.templates, job.language, size)), size


def render_template(random: Random, job: Job, loaded: Loaded, size: Size) -> Sample | Rejected:
    """A sample of one template, or the reason why its texts could not be rendered."""
    filling = fill(random, job, loaded, size)
    try:
        placed = as_full_as_fits(filling, job.language)
        described = describe(filling, job.language, placed)
        return _sample(random, job, filling, described, placed)
    except UnrenderableError as problem:
        return Rejected(problem.reason, f"{loaded.stem}: {problem.detail}")


def fill(random: Random, job: Job, loaded: Loaded, size: Size) -> Filling:
    """What a template is filled with, chosen by ``random``."""
    palette, swapped = random.choice(_palettes(loaded)), random.random() < _SWAPPED
    colours = resources.colours(palette, swapped=swapped)
    pairing = faces.choose(random, job.fonts, loaded.template.faces)
    record = record_of(random, job, loaded)
    backdrop = _backdrop(random, loaded, colours)
    return Filling(loaded, size, colours, pairing, record, random.getrandbits(64), backdrop)


def _backdrop(random: Random, loaded: Loaded, colours: Colours) -> Backdrop | None:
    """What lies under the layout."""
    fill = loaded.template.layout.fill or "background"
    first = fill if isinstance(fill, str) else fill[0]
    ground = colours.of_role(first, colours.roles["background"])
    asked = loaded.template.backdrop
    return backdrops.choose(random, asked, colours, ground, shaded=first != fill)


@lru_cache(maxsize=1024)
def _palettes(loaded: Loaded) -> tuple[str, ...]:
    """The names of the palettes that suit."""
    template = loaded.template
    names = template.palettes or tuple(resources.palettes())
    dark = {name: resources.colours(name).is_dark for name in names}
    wanted = [name for name in names if template.tone in {"any", ("light", "dark")[dark[name]]}]
    return tuple(wanted) or names


def record_of(random: Random, job: Job, loaded: Loaded) -> Record:
    """One record of the contents the template names, with paragraphs of the corpus."""
    known = resources.contents(job.language)
    topics: list[list[Record]] = [list(loaded.template.records.get(job.language, ()))]
    topics += [list(known.topics[name]) for name in loaded.template.contents]
    topics = [topic for topic in topics if topic]
    record = random.choice(random.choice(topics)) if topics else {}
    if not _wants_paragraphs(loaded):
        return record
    texts = _paragraphs(random, job.language, job.paragraphs)
    return {**record, "paragraph": texts[0], "paragraphs": texts[1:] or texts}


@lru_cache(maxsize=1024)
def _wants_paragraphs(loaded: Loaded) -> bool:
    names = {"paragraph", "paragraphs"}
    return any({node.text, node.each} & names for node in loaded.template.layout.everything())


def _paragraphs(random: Random, language: str, texts: Sequence[Paragraph]) -> list[Verbatim]:
    shortest, longest = _PARAGRAPH.get(language, _PARAGRAPH["en"])
    kept: dict[str, None] = {}
    for _ in range(20 * _MOST_PARAGRAPHS):
        text = random.choice(texts).text
        if "\n" not in text and shortest <= len(text) <= longest:
            kept[text] = None
        if len(kept) == _MOST_PARAGRAPHS:
            break
    return [Verbatim(text) for text in kept] or [Verbatim(random.choice(texts).text)]


def paint(size: Size, background: RGB, placed: Placed) -> raster.Pixels:
    """The image's pixels: surfaces and shapes in their order, then all texts."""
    unit, root = unit_of(size), placed.parts[0]
    shaded = len(root.part.fill) > 1  # else the canvas is painted once, in that colour
    first = root.part.fill[0] if root.part.fill else background
    pixels = backdrops.ground(size, first, None if shaded else placed.backdrop)
    canvas = skia.Surface(pixels).getCanvas()
    shapes.draw(canvas, root, unit, surface=shaded)
    if shaded and placed.backdrop:
        backdrops.draw_over(canvas, size, placed.backdrop)
    for arranged in placed.parts[1:]:
        shapes.draw(canvas, arranged, unit)
    by_ink: dict[RGB, list[raster.Run]] = {}
    for part, text in placed.texts:
        by_ink.setdefault(part.ink, []).extend(text.runs)
    for ink, runs in by_ink.items():  # texts stand apart: their order is nothing to the image
        raster.render(pixels, runs, ink)
    return pixels


def _sample(
    random: Random, job: Job, filling: Filling, described: Description, placed: Placed
) -> Sample:
    pixels = paint(filling.size, filling.colours.roles["background"], placed)
    caption = captions.caption(random, job.language, described)
    return Sample(
        image=png.encode(pixels),
        width=filling.size[0],
        height=filling.size[1],
        text="\n".join(part.text for part, _ in placed.texts),
        caption=caption,
        language=job.language,
        boxes=tuple(_boxes(placed)),
        font=most_used(text for _, text in placed.texts),
        annotation=captions.annotation(described, caption),
    )


def most_used(texts: Iterable[SetText]) -> str:
    """The PostScript name of the face with the most glyphs."""
    counts: dict[str, int] = {}
    for text in texts:
        for run in text.block.runs:
            name = run.font.file.postscript
            counts[name] = counts.get(name, 0) + len(run.glyphs)
    return max(sorted(counts), key=lambda name: counts[name])


def _boxes(placed: Placed) -> Iterator[TextBox]:
    for _, text in placed.texts:
        yield from text.boxes()


def describe(filling: Filling, language: str, placed: Placed) -> Description:
    """The scene graph: what the layout is called, its background, and every text in order.

    Raises ``UnrenderableError`` where there is no text.
    """
    if not placed.texts:
        raise UnrenderableError("no_text", filling.loaded.stem)
    loaded, size, root = filling.loaded, filling.size, placed.parts[0].part
    background = root.fill or (filling.colours.roles["background"],)
    caption_in = captions.caption_language(language)  # the language of the record, too
    called = loaded.called(caption_in, filling.record)
    words = {id(part): words_of(part, text, size) for part, text in placed.texts}
    return Description(
        kind=Name(called, called),
        words=tuple(words.values()),
        groups=tuple(belonging.groups(root, words)),
        background=_named(size, background, placed),
        gradient=len(background) > 1 or _is_shaded(placed),
        image_type=loaded.template.image_type,
        details=tuple(
            detail for detail in _details(placed) if detail.name(caption_in) not in called
        ),
        abnormal=any(arranged.part.node.shape == "barcode" for arranged in placed.parts),
    )


def _named(size: Size, background: tuple[RGB, ...], placed: Placed) -> Colour:
    """The name for the whole ground: of what forms under the layout and what they leave, the name
    that most of it has; of a gradient its middle.
    """
    if len(background) > 1 or placed.backdrop is None:
        return nearest(_mean(np.array(background)))
    small = (max(1, size[0] // _COARSE), max(1, size[1] // _COARSE))
    ground = backdrops.ground(small, background[0], placed.backdrop)
    if placed.backdrop.is_shade:
        return nearest(_mean(ground[..., :3].reshape(-1, 3)))
    packed, counts = np.unique(ground.view(np.uint32), return_counts=True)
    areas: dict[Colour, int] = {}
    rgba = packed.view(np.uint8).reshape(-1, 4).tolist()
    for (red, green, blue, _), count in zip(rgba, counts.tolist(), strict=True):
        name = nearest((red, green, blue))
        areas[name] = areas.get(name, 0) + count
    return max(areas, key=lambda name: areas[name])


def _mean(pixels: NDArray[np.integer[Any]]) -> RGB:
    red, green, blue = np.rint(pixels.mean(axis=0)).astype(int).tolist()
    return red, green, blue


def _is_shaded(placed: Placed) -> bool:
    return placed.backdrop is not None and placed.backdrop.is_shade


def _details(placed: Placed) -> Iterator[Name]:
    """Art, charts and maps, each kind once."""
    seen: dict[str, None] = {}
    for part in (arranged.part for arranged in placed.parts):
        shape = part.node.shape or ""
        seen[art.chosen(part.seed, part.node.name) if shape == "art" else shape] = None
    yield from (SEEN[name] for name in [name for name in seen if name in SEEN][:_MOST_DETAILS])


def role_of(part: Part) -> str:
    """What a text is to its reader."""
    return part.node.role or _ROLES.get(part.node.style, part.node.style)


def words_of(part: Part, text: SetText, size: Size) -> Words:
    """A text as captions tell of it."""
    left, top, right, bottom = text.box
    return Words(
        text=part.text,
        role=role_of(part),
        ink=nearest(part.ink),
        across=(left + right) / 2 / size[0],
        down=(top + bottom) / 2 / size[1],
    )
