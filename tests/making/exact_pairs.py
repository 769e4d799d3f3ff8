"""Rows of edit pairs whose right result is known: a chain of two, and a line removed."""

from making import training_shards as shards
from PIL import Image, ImageDraw, ImageFont

SIZE = (320, 160)
_FONT = ImageFont.load_default(36)


def _page(lines):
    image = Image.new("RGB", SIZE, "white")
    for place, line in enumerate(lines):
        ImageDraw.Draw(image).text((160, 40 + 80 * place), line, "black", _FONT, anchor="mm")
    return {"bytes": shards.png(image), "path": None}


def _boxes(lines):
    tops = [20.0 + 80 * place for place in range(len(lines))]
    return [
        {"text": line, "quad": shards.quad(80.0, top, 240.0, top + 40), "level": "line"}
        for line, top in zip(lines, tops, strict=True)
    ]


def _pair(name, before, after, operation="text.replace"):
    """A row that changes the lower half of a page."""
    mask = Image.new("L", SIZE)
    ImageDraw.Draw(mask).rectangle((0, 80, 320, 160), 255)
    return shards.row("A", "red") | {
        "id": name,
        "image": _page(after),
        "inputs": [_page(before)],
        "caption_recaption": None,
        "caption_instruction": [{"text": f"edit {name}", "language": "en"}],
        "edit_operation": operation,
        "edit_mask": {"bytes": shards.png(mask), "path": None},
        "text_boxes": _boxes(after),
        "input_boxes": [_boxes(before)],
    }


ROWS = [
    _pair("a1", ("PAPER", "STONE"), ("PAPER", "BRUSH")),
    _pair("a2", ("PAPER", "BRUSH"), ("PAPER", "CLOUD")),
    _pair("b", ("RIVER", "GREEN"), ("RIVER",), "text.remove"),
]
