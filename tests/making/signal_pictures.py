"""Pictures for tests of signals: photographs that ship inside scikit-image, and drawings."""

from functools import cache
from importlib import resources

import numpy as np
from making.defects import RGB
from PIL import Image, ImageDraw, ImageFont

from curation.picture import decoding
from curation.picture.decoding import Picture
from curation.signals import discovery
from curation.signals.chroma import chroma
from curation.signals.clarity import clarity
from curation.signals.clipping import clipping
from curation.signals.detail import detail
from curation.signals.entropy import entropy
from curation.signals.grid import grid
from curation.signals.header import header
from curation.signals.levels import levels
from curation.signals.luma import luma
from curation.signals.phash import phash
from curation.signals.texture import texture

COLOUR_PHOTOS = ("astronaut", "coffee", "chelsea", "motorcycle_left", "ihc")
PHOTOS = (*COLOUR_PHOTOS, "camera", "coins", "brick")
DRAWINGS = ("page", "slide", "terminal", "clip_art", "road_sign")
WORDS = ("Ink", "on", "paper", "reads", "well", "because", "it", "is", "there", "or", "is", "not")
PIXEL_SIGNALS = (
    chroma,
    clarity,
    clipping,
    detail,
    entropy,
    grid,
    levels,
    luma,
    phash,
    texture,
)


@cache
def photo(name: str) -> RGB:
    """A packaged photograph, (H, W, 3) with a short side of 256 pixels."""
    data = (resources.files("skimage.data") / f"{name}.png").read_bytes()
    return decoding.decode(data).small


@cache
def drawing(name: str) -> RGB:
    """One of ``DRAWINGS``: what a careless filter takes for rubbish."""
    canvas, ink = {
        "page": ("white", "black"),
        "slide": ("white", (20, 60, 140)),
        "terminal": ((12, 12, 16), (190, 230, 190)),
        "clip_art": ("white", "black"),
        "road_sign": ("white", "black"),
    }[name]
    image = Image.new("RGB", (640, 480), canvas)
    draw = ImageDraw.Draw(image)
    if name == "clip_art":
        draw.ellipse((180, 100, 460, 380), fill=(250, 190, 40), outline=ink, width=6)
        draw.ellipse((250, 190, 280, 230), fill=ink)
        draw.ellipse((360, 190, 390, 230), fill=ink)
        draw.arc((240, 200, 400, 330), 20, 160, fill=ink, width=8)
    elif name == "road_sign":
        draw.polygon([(320, 20), (600, 240), (320, 460), (40, 240)], fill="yellow", outline=ink)
        draw.rectangle((300, 120, 340, 360), fill=ink)
    else:
        size, lines = (44, 4) if name == "slide" else (20, 16)
        for line in range(lines):
            text = " ".join(np.roll(WORDS, line)[: 5 if name == "slide" else 11])
            draw.text((40, 30 + line * size * 1.35), text, ink, ImageFont.load_default(size))
    return np.asarray(image, np.uint8)


def columns(rgb: RGB) -> dict[str, float]:
    """All pixel columns of one picture."""
    made = Picture(decoding.Header("PNG", "RGB", *rgb.shape[1::-1], 1, 1, 1), rgb)
    return {name: value for entry in PIXEL_SIGNALS for name, value in entry.function(made).items()}


def derived_columns(rgb: RGB) -> dict[str, float]:
    """What is made of the pixel columns, and these."""
    values = columns(rgb)
    for entry in discovery.discover():
        if entry.tier == "derived":
            values |= entry.function(values)
    return values


__all__ = [
    "COLOUR_PHOTOS",
    "DRAWINGS",
    "PHOTOS",
    "PIXEL_SIGNALS",
    "columns",
    "derived_columns",
    "drawing",
    "header",
    "photo",
]
