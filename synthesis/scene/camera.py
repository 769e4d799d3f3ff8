"""What a camera does to a scene: focus, sensor noise, and the compressed file it is kept in."""

from functools import cache
from random import Random

import cv2
import numpy as np

from synthesis.raster import Pixels
from synthesis.scene import textures
from synthesis.scene.textures import NEUTRAL

_QUALITY = (80, 92, 97)  # least, commonest, most; at full chroma, for coloured letters


@cache
def _noise(variant: int) -> Pixels:
    """(SIDE, SIDE, 3) sensor noise around ``NEUTRAL``, mostly of luminance, slightly soft."""
    chance = textures.generator("sensor", variant)
    shape = (textures.SIDE, textures.SIDE)
    luminance, *colour = (chance.standard_normal(shape, np.float32) for _ in range(4))
    noise = cv2.merge([8 * luminance + 4 * channel for channel in colour])
    soft = cv2.GaussianBlur(noise, (0, 0), 0.55)
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
    return np.asarray(image, np.uint8)


def encode(random: Random, image: Pixels) -> bytes:
    """The (H, W, 3) RGB image as a JPEG file, as cameras write them.

    As PNG its noise would cost five times the time and the bytes.
    """
    least, commonest, most = _QUALITY
    options = (
        cv2.IMWRITE_JPEG_QUALITY,
        round(random.triangular(least, most, commonest)),
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    )
    done, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise RuntimeError(f"OpenCV could not encode a {image.shape} image as JPEG")
    return bytes(encoded.tobytes())
