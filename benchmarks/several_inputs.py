"""How alike a result and its inputs are where there are several, or another style: by embedding.

``python -m benchmarks.several_inputs FOLDER [--every N]``, with the ``manifest.csv`` of
``benchmarks.calibrate``. Of photographs are made compositions (the middles of one or two others,
cut out as ellipses, pasted on it), a subject on another ground of which only the subject is an
input, the tones of a reference, drawings by OpenCV, and a stand-in for a depth map (what lies
lower and is brighter is near). Beside them stand pairs of photographs that have nothing in common.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.edit_pairs import photographs
from curation.networks import encoders

BOUNDS = (0.6, 0.5, 0.45)
SHARES = (0, 0.05, 0.5, 0.95, 1)
Photo = Image.Image
Made = tuple[str, Photo, list[Photo]]  # what it is, the result, its inputs


def _pasted(ground: Photo, photo: Photo, side: float, x: float) -> Photo:
    """The middle of a photograph on another: ``side`` of its short side, at ``x`` of the width."""
    width, height = photo.size
    thing = photo.crop((width // 5, height // 5, width * 4 // 5, height * 4 // 5))
    thing.thumbnail((round(side * min(ground.size)),) * 2)
    mask = Image.new("L", thing.size, 0)
    ImageDraw.Draw(mask).ellipse((0, 0, thing.width - 1, thing.height - 1), 255)
    result = ground.copy()
    free = ground.width - thing.width, ground.height - thing.height
    result.paste(thing, (round(free[0] * x), round(free[1] * 0.8)), mask)
    return result


def _toned(photo: Photo, reference: Photo) -> Photo:
    """With means and spreads of L, a and b of the reference."""
    lab, other = (
        cv2.cvtColor(np.asarray(of), cv2.COLOR_RGB2LAB).astype(np.float64)
        for of in (photo, reference)
    )
    axes = (0, 1)
    spread = other.std(axes) / np.maximum(1, lab.std(axes))
    lab = np.clip((lab - lab.mean(axes)) * spread + other.mean(axes), 0, 255)
    return Image.fromarray(cv2.cvtColor(lab.astype(np.uint8), cv2.COLOR_LAB2RGB))


def _depth(photo: Photo) -> Photo:
    grey = np.asarray(photo.convert("L"), np.float64)
    near = cv2.GaussianBlur(grey, (0, 0), max(grey.shape) / 24)
    lower = np.linspace(0, 255, len(grey))[:, None]
    return Image.fromarray((0.6 * lower + 0.4 * near).astype(np.uint8)).convert("RGB")


def _drawn(photo: Photo) -> Iterator[tuple[str, Photo]]:
    bgr = np.ascontiguousarray(np.asarray(photo)[..., ::-1])
    pencil, coloured = cv2.pencilSketch(bgr, sigma_s=60, sigma_r=0.07, shade_factor=0.05)
    drawn = {
        "stylization": cv2.stylization(bgr, sigma_s=60, sigma_r=0.45),
        "pencil": cv2.cvtColor(pencil, cv2.COLOR_GRAY2BGR),
        "coloured pencil": coloured,
        "median of 11": cv2.medianBlur(bgr, 11),
    }
    for name, image in drawn.items():
        yield name, Image.fromarray(np.ascontiguousarray(image[..., ::-1]))


def made(photos: list[Photo]) -> Iterator[Made]:
    """The pairs of each photograph."""
    for place, photo in enumerate(photos):
        first, second, third = (photos[place - back] for back in (1, 2, 3))
        for side in (0.35, 0.5, 0.7):
            result = _pasted(photo, first, side, 0.3)
            yield f"composition of 2, subject {side}", result, [photo, first]
            if side != 0.35:
                yield f"subject {side}, the only input", result, [first]
        result = _pasted(_pasted(photo, first, 0.45, 0.1), second, 0.45, 0.9)
        yield "composition of 3", result, [photo, first, second]
        yield "reference: its tones", _toned(photo, first), [photo, first]
        for name, drawing in _drawn(photo):
            yield f"style: {name}", drawing, [photo]
        yield "depth, a stand-in", _depth(photo), [photo]
        strangers = [first, second, third]
        for number in (1, 2, 3):
            yield f"unrelated, {number}", photo, strangers[:number]
        yield "composition, and a stranger", _pasted(photo, first, 0.5, 0.3), [photo, third]


def main() -> None:
    """Print by kind how many fall short of bounds, and quantiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=30)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    embed = encoders.image_encoder(encoders.Named(library="embedded")).vector
    photos = photographs(options.folder, options.every)
    known: dict[int, NDArray[np.float64]] = {}

    def vector(photo: Photo) -> NDArray[np.float64]:
        return np.asarray(embed(np.asarray(photo)), np.float64)

    cosines: dict[str, list[list[float]]] = {}
    for name, result, inputs in made(photos):
        own = vector(result)
        for of in inputs:
            if id(of) not in known:
                known[id(of)] = vector(of)
        cosines.setdefault(name, []).append([float(own @ known[id(of)]) for of in inputs])
    print(f"{len(photos)} photographs; below {BOUNDS}; the least, 5 %, median, 95 %, the most")
    for name, values in cosines.items():
        for which, pick in (("most alike", max), ("least alike", min)):
            each = np.array([pick(of) for of in values])
            below = "".join(f"{int((each < bound).sum()):>4}" for bound in BOUNDS)
            shown = "".join(f"{of:>7.3f}" for of in np.quantile(each, SHARES))
            print(f"{name:<32}{which:<12}{below} of {len(each)}{shown}")


if __name__ == "__main__":
    main()
