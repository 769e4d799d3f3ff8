"""The first images of a rendering on a contact sheet, each over its caption, as one PNG."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import islice

from PIL import Image

from curation import shard, storage
from curation.picture import contact_sheet, decoding
from curation.picture.contact_sheet import INK, MOST_LINES, PAPER, Lettering
from synthesis import raster
from synthesis.captions import caption_language
from synthesis.fonts.files import FontFile, characters, fallbacks
from synthesis.text import block
from synthesis.text.block import Typography
from synthesis.text.layout import Frame, Setting
from synthesis.unrenderable import UnrenderableError

MOST_IMAGES = 64
_SIDE = 256  # pixels: the longer side of an image on the sheet, at most
_CAPTION_SIZE = 13
_LEADING = 1.35


def write(path: str, shards: Sequence[str], faces: Sequence[FontFile], language: str) -> None:
    """Write the sheet of the first ``MOST_IMAGES`` rows of the shards, atomically."""
    images, captions = [], []
    for data, caption in islice(_rows(shards), MOST_IMAGES):
        image = Image.fromarray(decoding.decode(data, short_side=None).rgb)
        images.append(contact_sheet.fit(image, _SIDE))
        captions.append(caption)
    letter = _lettering(faces, language)
    sheet = contact_sheet.compose(images, captions, side=_SIDE, letter=letter)
    stream = BytesIO()
    sheet.image.save(stream, "PNG")
    storage.write_bytes(path, stream.getvalue())


def _rows(shards: Sequence[str]) -> Iterator[tuple[bytes, str]]:
    for path in shards:
        for batch in shard.read(
            path, columns=["image", "caption_recaption", "caption_instruction"]
        ):
            for row in batch.to_pylist():
                captions = row["caption_recaption"] or row["caption_instruction"]
                yield row["image"]["bytes"], captions[0]["text"]


def _lettering(faces: Sequence[FontFile], language: str) -> Lettering:
    """Our own typesetting: captions quote texts of every script, from right to left, too."""
    plainest = (min(faces, key=_plainness), *fallbacks(language))
    setting = Setting("left", _LEADING, vertical=0.0)
    typography = Typography(caption_language(language), plainest, setting)
    known = frozenset().union(*map(characters, plainest))

    def letter(caption: str, width: int) -> Image.Image:
        text = "".join(
            character if ord(character) in known else "?"
            for character in caption.replace("\n", " / ")
        )
        try:
            return _rendered(text, typography, width)
        except UnrenderableError:  # a face of the user's that lacks what our captions need
            return Image.new("RGB", (width, 1), PAPER)

    return letter


def _rendered(text: str, typography: Typography, width: int) -> Image.Image:
    tall = Frame(0, 0, width, 4 * len(text) + 100)
    raised = block.at(text, typography, tall, _CAPTION_SIZE)
    if len(raised.lines) > MOST_LINES:
        shown = sum(len(line.text) + 1 for line in raised.lines[:MOST_LINES])
        shortened = text[: shown - 6].rstrip() + "..."
        raised = block.at(shortened, typography, tall, _CAPTION_SIZE)
    height = round(len(raised.lines) * _LEADING * _CAPTION_SIZE) + _CAPTION_SIZE // 2
    canvas = raster.solid(width, height, PAPER)
    raster.render(canvas, raised.runs, INK)
    return Image.fromarray(canvas[..., :3])


def _plainness(face: FontFile) -> tuple[bool, bool, bool, int, str]:
    name = f"{face.family} {face.style}"
    slanted = "Italic" in name or "Oblique" in name
    return (
        "Sans" not in name,
        "Mono" in name or "Condensed" in name,
        slanted,
        abs(face.weight - 400),
        face.postscript,
    )
