"""Mode scene: texts on things, in images.

A medium makes a sheet; the text is set and inked on it; the sheet is bent and seen in perspective
before its surroundings, lit, and taken with a camera. Whatever cannot be read in the end is
rejected with its reason.
"""

from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from curation.picture.colours import Colour
from synthesis import captions
from synthesis.description import Description, Name, Words
from synthesis.fonts.files import is_handwriting
from synthesis.job import Job
from synthesis.sample import Rejected, Sample
from synthesis.scene import camera, inscribed, legibility, naming, scenery
from synthesis.scene.inscribed import Inscribed
from synthesis.scene.media import all_media
from synthesis.scene.medium import Medium
from synthesis.scene.streams import together
from synthesis.unrenderable import UnrenderableError

_LEAST_AROUND = 0.12  # of the image: surroundings that can be told from what is seen of them
LAYOUTS = {
    "vertical": Name("vertical lines that go from right to left", "自右向左竖向"),
    "arc": Name("an arc", "呈弧形"),
}


def render(random: Random, job: Job) -> Sample | Rejected:
    """One sample or the reason why its text was discarded."""
    try:
        return render_on(random, job, all_media())
    except UnrenderableError as problem:
        return Rejected(problem.reason, problem.detail)


def render_on(random: Random, job: Job, media: Sequence[Medium]) -> Sample:
    """One sample on one of the media. Raises ``UnrenderableError``."""
    canvas = random.choice(job.sizes)
    text = inscribed.inscribe(random, job, canvas, media)
    steps = together(random)
    place = scenery.setting(steps, text, canvas, job.backgrounds, None)
    scene, coverage = scenery.compose(steps, text, canvas, place), scenery.coverage(text, canvas)
    stem = legibility.stem(coverage)
    legibility.check_stem(stem)
    legibility.check_occlusion(coverage, scene.before)
    image = camera.taken(random, scene.image, stem)
    glyphs = np.array([box.quad for box in text.boxes if box.level == "glyph"])
    centres = glyphs.reshape(-1, 4, 2).mean(axis=1)
    seen = legibility.measure(image, coverage, centres, text.em)
    legibility.check_contrast(seen, text.em)
    shown = _description(text, scene, seen, centres.mean(axis=0) / canvas)
    caption = captions.caption(random, job.language, shown)
    return Sample(
        image=camera.encode(random, image),
        format="JPEG",
        width=canvas[0],
        height=canvas[1],
        text=text.block.text,
        caption=caption,
        language=job.language,
        boxes=text.boxes,
        font=text.block.faces[0].postscript,
        annotation=captions.annotation(shown, caption),
    )


def _description(
    text: Inscribed, scene: scenery.Scene, seen: legibility.Seen, middle: NDArray[np.float64]
) -> Description:
    """What is seen: colours are named by what was measured. ``middle`` is in 0 to 1."""
    across, down = float(middle[0]), float(middle[1])
    ink = naming.ink(text.paint, seen.ink, seen.ground, scene.light)
    by_hand = is_handwriting(text.block.faces[0])
    return Description(
        kind=text.medium.name,
        words=(Words(text.block.text, text.role, ink, across, down),),
        background=_ground(text, scene, seen),
        writing=text.medium.writing or ("handwritten" if by_hand else "printed"),
        surface=text.sheet.surface,
        surroundings=scene.surroundings if scene.around >= _LEAST_AROUND else None,
        image_type="photo",
        layout=LAYOUTS.get(text.lines),
        details=(text.sheet.arc.emblem.name,) if text.sheet.arc and text.lines == "arc" else (),
    )


def _ground(text: Inscribed, scene: scenery.Scene, seen: legibility.Seen) -> Colour | None:
    if text.sheet.clear:
        return None
    return naming.ground(text.ground, seen.ground, scene.light)
