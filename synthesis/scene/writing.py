"""The text of a scene: one that suits the medium, set in faces that suit it."""

import unicodedata
from collections.abc import Sequence
from random import Random

from synthesis.fonts import files
from synthesis.fonts.files import FontFile
from synthesis.job import Job
from synthesis.scene import legibility
from synthesis.scene.medium import Lettering, Medium, Sheet
from synthesis.text import block
from synthesis.text.block import Block, Typography
from synthesis.text.layout import Setting

_TRIES = 60
_LONG = 56  # columns: longer texts are set like prose
_HANDS = ("WenKai", "UKai", "Kai", "Z003", "Script", "Hand", "Brush", "Comic", "Caveat", "Kalam")
_WIDE = ("Mono", "Math", "Typewriter")
_ROOM = 640 * 640  # pixels for which the media say how long their texts are
_MARGIN = 1.08  # a text is set so much larger than the smallest: perspective makes it smaller


def columns(text: str) -> int:
    """How wide a text is: 1 for a letter, 2 for a hanzi."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def suits(medium: Medium, text: str, pixels: int) -> bool:
    """Whether a medium takes a text of that length in a picture of so many pixels."""
    least, most = medium.columns
    return least <= columns(text) <= max(16, most * min(1.0, pixels / _ROOM))


def choose(
    random: Random, job: Job, media: Sequence[Medium], pixels: int
) -> tuple[str, Medium] | None:
    """A medium and a text of the job for it, each medium as likely as the others where it can be.

    ``None`` when a text that was drawn suits no medium in a picture of so many pixels.
    """
    medium = random.choice(media)
    for _ in range(_TRIES):
        text = random.choice(job.paragraphs).text
        if suits(medium, text, pixels):
            return text, medium
    fitting = [one for one in media if suits(one, text, pixels)]
    return (text, random.choice(fitting)) if fitting else None


def is_hand(face: FontFile) -> bool:
    """Whether a face looks written by hand."""
    told = getattr(files, "is_handwriting", None)
    return bool(told(face)) if told else any(one in face.family for one in _HANDS)


def faces(random: Random, job: Job, lettering: Lettering) -> tuple[FontFile, ...]:
    """All faces of the job, those that suit the lettering first, families in random order."""
    families: dict[str, list[FontFile]] = {}
    for face in job.fonts:
        families.setdefault(face.family, []).append(face)
    names = list(families)
    random.shuffle(names)
    for name in names:
        random.shuffle(families[name])
    ordered = [face for name in names for face in families[name]]
    return tuple(sorted(ordered, key=lambda face: _unfitness(face, lettering)))


def _unfitness(face: FontFile, lettering: Lettering) -> int:
    """0 for a face that suits, more for one that does so less."""
    name = f"{face.family} {face.style} {face.postscript}"
    slanted = any(one in name for one in ("Italic", "Oblique"))
    serif = any(one in name for one in ("Serif", "Roman", "C059", "P052", "Bookman", "Song"))
    odd = any(one in name for one in _WIDE)
    hand = is_hand(face)
    if lettering == "hand":
        return 0 if hand else 1 + 2 * (odd or not slanted) + (face.weight > 600)
    if lettering == "sign":
        return 2 * (odd or hand) + serif + slanted + (face.weight < 600)
    if lettering == "book":
        return 2 * (odd or hand) + slanted + (face.weight > 600) * (not serif)
    if lettering == "plain":
        return 2 * (hand or "Math" in name) + slanted + (face.weight < 400)
    return int(odd)


def compose(
    random: Random, job: Job, text: str, medium: Medium, sheet: Sheet, smallest_scale: float
) -> tuple[Block, FontFile]:
    """The text in the sheet's frame, and the face it is in.

    ``smallest_scale`` is the least picture pixels per pixel of the sheet. Raises
    ``UnrenderableError``.
    """
    long = columns(text) > _LONG
    chinese = job.language == "zh"
    leading = random.uniform(1.4, 1.75) if chinese or sheet.rules else random.uniform(1.2, 1.45)
    centred = not long and not sheet.rules and random.random() < 0.8
    justified = long and chinese and medium.lettering != "hand"
    setting = Setting(
        "centre" if centred else "justified" if justified else "left",
        leading,
        vertical=random.choice((0.0, 0.2, 0.5)) if medium.lettering == "hand" else 0.5,
        block=not sheet.rules and random.random() < 0.5,
    )
    order = faces(random, job, medium.lettering)
    phrases = columns(text) <= 24 and "\n" not in text
    typography = Typography(job.language, order, setting, phrases=phrases)
    least = legibility.smallest(job.language) * _MARGIN / min(1.0, smallest_scale)
    short_side = min(sheet.ground.shape[:2])
    most = medium.largest * short_side * random.uniform(0.65, 1.0)
    sizes = range(int(least) + 1, max(int(least) + 1, int(most)) + 1)
    placed = block.fit(text, typography, sheet.frame, sizes)
    return placed, placed.runs[0].font.file
