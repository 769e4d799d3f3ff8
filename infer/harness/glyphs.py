"""A reader for a closed set of characters: the nearest of their glyphs in several fonts.

An image of one character is cut to its ink, centred and scaled, and held against templates by
normalised correlation. Ink is how far a pixel is from the colour of the border, so that neither
colours nor which of both is darker matter. Shapes: H W pixels, S the side of a template, N
characters.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from curation import progress, storage
from curation.failures.errors import UsageError
from synthesis.fonts import files
from synthesis.fonts.files import FontFile

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels
Floats = NDArray[np.float32]
SIDE, _MARGIN, _BLUR = 32, 2, 1.5  # pixels
_EM = 56  # pixels: of the rendered templates
_LEAST_INK = 24  # levels of 255, below which an image is empty
_SPECK = 0.002  # of all ink
_ROOM = 0.15  # of a box's height
_VERSION = "1"
_FACES_OF_A_DESIGN = 2


def design(face: FontFile) -> str:
    """What faces share that look alike: `Noto Sans Mono CJK SC` is of `Noto Sans`."""
    return " ".join(face.family.replace(" Mono", "").split()[:2])


class Glyphs:
    """Templates of ``characters`` in the system's faces that write Chinese, kept in the user's
    cache folder.
    """

    def __init__(self, characters: str) -> None:
        """Raises ``UsageError`` where there is no font."""
        self.characters = characters
        chosen: dict[str, list[FontFile]] = {}
        for face in files.find("zh"):
            own = chosen.setdefault(design(face), [])
            if "Mono" not in face.family and len(own) < _FACES_OF_A_DESIGN:
                own.append(face)
        self.faces = [face for own in chosen.values() for face in own]

    @property
    def digest(self) -> str:
        """Of all that readings depend on."""
        parts = (_VERSION, self.characters, *(face.digest for face in self.faces))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    def render(self, character: str, side: int) -> tuple[Image.Image, str] | None:
        """A page of the character, black on white, and the design of its face, by turns; None where
        no face has it.
        """
        able = [face for face in self.faces if files.covers(face, character)]
        if not able:
            return None
        face = able[ord(character) % len(able)]
        return Image.eval(_drawn(_font(face, side * 5 // 8), character, side), _inverted).convert(
            "RGB"
        ), design(face)

    def read(self, image: Image.Image, boxes: Iterable[Box] = (), without: str = "") -> str:
        """The character whose template is nearest to the ink of the image or of some boxes in it;
        "" for an empty image. ``without``: a design whose templates are left out, if there are
        others.
        """
        pixels = np.asarray(image)
        cut = [prepared(ink(each)) for each in (pixels, *(_crop(pixels, box) for box in boxes))]
        vectors = [each for each in cut if each is not None]
        if not vectors:
            return ""
        used = [n for n, face in enumerate(self.faces) if design(face) != without]
        best = np.full(len(self.characters), -np.inf, np.float32)
        for number in used or range(len(self.faces)):
            nearness = self._templates[number] @ np.stack(vectors, 1)
            best = np.maximum(best, nearness.max(1))
        return self.characters[int(best.argmax())]

    @cached_property
    def _templates(self) -> Sequence[Floats]:
        """(N, S * S) for each face; zeros for a character that it lacks."""
        made, done = list[Floats](), 0
        with progress.watch("", "fonts rendered", lambda: (len(self.faces), done)):
            for face in self.faces:
                made.append(self._of(face))
                done += 1
        return made

    def _of(self, face: FontFile) -> Floats:
        key = hashlib.sha256("\n".join((_VERSION, self.characters, face.digest)).encode())
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        kept = base / "inkstone" / "glyphs" / f"{key.hexdigest()[:32]}.npy"
        shape = (len(self.characters), SIDE * SIDE)
        with suppress(OSError, ValueError):
            known = np.load(kept, allow_pickle=False)
            if known.shape == shape and known.dtype == np.float16:
                return np.asarray(known, np.float32)
        font, templates = _font(face, _EM), np.zeros(shape, np.float16)
        for number, character in enumerate(self.characters):
            if files.covers(face, character):
                drawn = prepared(np.asarray(_drawn(font, character, 2 * _EM), np.float32))
                if drawn is not None:
                    templates[number] = drawn
        stream = BytesIO()
        np.save(stream, templates, allow_pickle=False)
        with suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            storage.write_bytes(str(kept), stream.getvalue())
        return templates.astype(np.float32)


def ink(pixels: NDArray[np.uint8]) -> Floats:
    """(H, W, 3) -> (H, W): how far each pixel is from the median of the border."""
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    background = np.median(np.concatenate(edges), axis=0)
    return np.asarray(np.abs(pixels - background).max(2), np.float32)


def prepared(levels: Floats) -> Floats | None:
    """Ink (H, W) -> (S * S,), of mean 0 and norm 1; None where there is none. Specks are left
    out of its box.
    """
    if levels.size == 0 or levels.max() < _LEAST_INK:
        return None
    dark = (levels > levels.max() / 2).astype(np.uint8)
    _, labels, parts, _ = cv2.connectedComponentsWithStats(dark)
    areas = parts[:, cv2.CC_STAT_AREA]
    large = areas >= max(1.0, _SPECK * areas[1:].sum())
    large[0] = False  # what is not ink
    down, across = np.nonzero(large[labels])
    cut = levels[down.min() : down.max() + 1, across.min() : across.max() + 1]
    scale = (SIDE - 2 * _MARGIN) / max(cut.shape)
    height, width = (max(1, round(side * scale)) for side in cut.shape)
    square = np.zeros((SIDE, SIDE), np.float32)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    resized = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)
    square[top : top + height, left : left + width] = resized
    vector = cv2.GaussianBlur(square, (0, 0), _BLUR).ravel()
    vector -= vector.mean()
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def _crop(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    room = _ROOM * (box[3] - box[1])
    left, top = (max(0, int(side - room)) for side in box[:2])
    cut = pixels[top : int(box[3] + room) + 1, left : int(box[2] + room) + 1]
    return cut if cut.size else pixels


def _font(face: FontFile, size: int) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(face.path, size, index=face.index)
    except OSError as error:
        raise UsageError(f"{face.path}: cannot be rendered ({error})") from error


def _drawn(font: ImageFont.FreeTypeFont, character: str, side: int) -> Image.Image:
    """White on black, in the middle of a square."""
    image = Image.new("L", (side, side))
    ImageDraw.Draw(image).text((side / 2, side / 2), character, 255, font, anchor="mm")
    return image


def _inverted(level: int) -> int:
    return 255 - level
