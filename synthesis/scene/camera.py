"""What a camera does to a scene: focus, sensor noise, compression; and the file it is kept in."""

from functools import cache
from random import Random

import cv2
import numpy as np

from synthesis.drawing import Pixels
from synthesis.scene import textures
from synthesis.scene.textures import NEUTRAL

_PNG_OPTIONS = (  # measured on noisy 640x640: 9 ms; with matches looked for 20 ms, no smaller
    cv2.IMWRITE_PNG_COMPRESSION,
    1,
    cv2.IMWRITE_PNG_FILTER,
    cv2.IMWRITE_PNG_FILTER_UP,
    cv2.IMWRITE_PNG_STRATEGY,
    cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY,
)
_COMPRESSED_SHARE = 0.35


@cache
def _noise(variant: int) -> Pixels:
    """(SIDE, SIDE, 3) sensor noise around ``NEUTRAL``, mostly of luminance, slightly soft."""
    chance = textures.generator("sensor", variant)
    shape = (textures.SIDE, textures.SIDE)
    luminance = chance.normal(0, 8, shape)[..., None] + chance.normal(0, 4, (*shape, 3))
    soft = cv2.GaussianBlur(luminance.astype(np.float32), (0, 0), 0.55)
    return np.asarray(np.clip(soft + NEUTRAL, 0, 255), np.uint8)


def taken(random: Random, scene: Pixels, stem: float) -> Pixels:
    """The scene as a camera keeps it. ``stem`` (pixels) is what must stay sharp: the blur's
    standard deviation is at most a quarter of it.
    """
    sigma = min(random.uniform(0.3, 0.95), stem / 4)
    image = cv2.GaussianBlur(scene, (5, 5), sigma)
    strength = random.triangular(0.05, 0.6, 0.2)
    height, width = scene.shape[:2]
    grain = textures.patch(random, _noise(random.randrange(3)), width, height)
    image = cv2.addWeighted(image, 1.0, grain, strength, -strength * NEUTRAL)
    if random.random() < _COMPRESSED_SHARE:
        image = _compressed(np.asarray(image, np.uint8), random.randint(72, 95))
    return np.asarray(image, np.uint8)


def _compressed(image: Pixels, quality: int) -> Pixels:
    options = (cv2.IMWRITE_JPEG_QUALITY, quality)
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def encode(image: Pixels) -> bytes:
    """The (H, W, 3) RGB picture as a PNG file, with options for pictures full of noise."""
    done, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _PNG_OPTIONS)
    if not done:
        raise RuntimeError(f"OpenCV could not encode a {image.shape} picture as PNG")
    return bytes(encoded.tobytes())
