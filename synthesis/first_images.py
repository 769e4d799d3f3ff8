"""The first images of a rendering on a contact sheet, each over its caption, as one PNG."""

from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import islice
from typing import Any

from PIL import Image

from curation import shard, storage
from curation.picture import contact_sheet, decoding
from curation.picture.contact_sheet import INK, MOST_LINES, PAPER, Lettering
from synthesis import pairs_shown, raster
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
    for row in islice(_rows(shards), MOST_IMAGES):
        result = decoding.decode(row["image"]["bytes"], short_side=None).rgb
        image = Image.fromarray(pairs_shown.side_by_side(row, result))
        side = _SIDE * 2 if row["inputs"] else _SIDE
        images.append(contact_sheet.fit(image, side))
        captions.append(_caption(row))
    letter = _lettering(faces, language)
    side = max(_SIDE, *(max(image.size) for image in images))
    sheet = contact_sheet.compose(images, captions, side=side, letter=letter)
    stream = BytesIO()
    sheet.image.save(stream, "PNG")
    storage.write_bytes(path, stream.getvalue())


def _rows(shards: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    columns = ["image", "caption_recaption", *pairs_shown.COLUMNS]
    for path in shards:
        for batch in shard.read(path, columns=columns):
            yield from batch.to_pylist()


def _caption(row: Mapping[str, Any]) -> str:
    """The caption; of an edit its instructions."""
    if row["caption_recaption"]:
        return str(row["caption_recaption"][0]["text"])
    return " / ".join(text for _, text in pairs_shown.instructions(row))


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
