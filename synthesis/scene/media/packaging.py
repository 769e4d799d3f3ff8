"""A box on a table with a printed front: a band of colour, a label, a lid."""

from random import Random

import cv2
import numpy as np

from curation.picture.colours import RGB
from synthesis.corpus.genres import genres
from synthesis.description import Name
from synthesis.raster import Pixels
from synthesis.scene import light as lights
from synthesis.scene import sheets, textures
from synthesis.scene.inks import Ink
from synthesis.scene.light import Light
from synthesis.scene.medium import Medium, Sheet, View
from synthesis.text.layout import Frame

_BOXES: tuple[tuple[RGB, RGB, tuple[RGB, ...]], ...] = (  # box, label, inks on the label
    ((200, 164, 120), (200, 164, 120), ((44, 28, 18), (24, 24, 26))),
    ((206, 70, 52), (250, 244, 230), ((120, 24, 26), (40, 30, 28))),
    ((44, 96, 84), (246, 240, 222), ((20, 62, 52), (40, 36, 30))),
    ((38, 66, 118), (246, 246, 240), ((24, 44, 92), (32, 34, 40))),
    ((236, 200, 96), (252, 248, 234), ((84, 44, 16), (44, 34, 28))),
    ((240, 238, 232), (240, 238, 232), ((32, 34, 40), (20, 70, 90))),
    ((52, 50, 52), (224, 210, 178), ((40, 32, 26), (84, 22, 24))),
)
_SIDE = 0.13  # of the width: the side of the box that is seen
_TOP = 0.09


def make(random: Random, width: int, height: int, light: Light) -> Sheet:
    """The front of a box, with its right side and its lid in shade or light."""
    box, label, inks = random.choice(_BOXES)
    plain = label == box
    box, label = sheets.jittered(random, box, 6), sheets.jittered(random, label, 3)
    ground = sheets.flat(width, height, box)
    front = (round(0.02 * width), round(_TOP * height), round((1 - _SIDE) * width), height)
    frame_left, frame_right = 0.125 * width, (0.895 - _SIDE) * width
    if not plain:
        edges = (front[0] + 0.06 * width, 0.27 * height, front[2] - 0.06 * width, 0.83 * height)
        sheets.box(ground, edges, random.choice((0.0, 0.03)) * width, label)
    else:
        for row in (0.22, 0.88):
            ground[
                round(row * height) : round(row * height) + max(2, height // 120),
                front[0] : front[2],
            ] = inks[0]
    stock = textures.patch(random, textures.fibres(random.randrange(3)), width, height)
    gain = lights.relief(light, stock, 0.05)
    ground = textures.multiplied(
        ground, sheets.combined(gain, sheets.blotches(random, "box", width, height, 0.06))
    )
    _sides(ground, front, light)
    return Sheet(
        ground=ground,
        frame=Frame(frame_left, 0.31 * height, frame_right - frame_left, 0.48 * height),
        inks=inks,
        ink=Ink(opacity=0.95, wear=random.choice((0.0, 0.02))),
        outline=_silhouette(width, height, front),
        surface=None if plain else Name("label", "标签"),
    )


def _silhouette(width: int, height: int, front: tuple[int, int, int, int]) -> Pixels:
    left, top, right, bottom = front
    shift = round(0.55 * _TOP * height)
    mask = np.zeros((height, width), np.uint8)
    corners = [
        (left, top),
        (left + (width - right), 1),
        (width - 2, 1),
        (width - 2, bottom - shift),
        (right, bottom),
        (left, bottom),
    ]
    cv2.fillPoly(mask, [np.array(corners, np.int32)], (255,), cv2.LINE_AA)
    return mask


def _sides(ground: Pixels, front: tuple[int, int, int, int], light: Light) -> None:
    """Shade the right side and the lid, in place."""
    _, top, right, bottom = front
    beside = 0.66 if light.x < 0 else 0.9
    ground[:, right:] = cv2.convertScaleAbs(ground[:, right:], alpha=beside)
    lid = np.array([(0, top), (right, top), (ground.shape[1], 0), (0, 0)], np.int32)
    mask = np.zeros(ground.shape[:2], np.uint8)
    cv2.fillPoly(mask, [lid], (255,))
    bright = cv2.convertScaleAbs(ground[:top], alpha=1.12, beta=4)
    cv2.copyTo(bright, mask[:top], ground[:top])
    cv2.line(ground, (right, top), (right, bottom), (30, 28, 26), 1, cv2.LINE_AA)
    cv2.line(ground, (front[0], top), (right, top), (60, 56, 52), 1, cv2.LINE_AA)


MEDIUM = Medium(
    name=Name("cardboard box", "包装盒"),
    bears=genres("product label shipping"),
    columns=(2, 60),
    aspects=(0.8, 1.25),
    view=View(yaw=10, pitch=(0, 8), roll=1, share=(0.74, 0.9)),
    places=("room", "shelf", "shelf", "foliage"),
    lettering="any",
    largest=0.17,
    lift=0,
    make=make,
    support="table",
)
