"""Colours and light of an entire image changed alike everywhere: a curve, or a mixture of colours.

The curve is fitted, and believed where the input under it is the result.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from captioning.changes.change import Change, Tone
from captioning.changes.pixels import SAME, Field, Pixels, is_same, mean_difference

COLOURLESS, COLOURED = 2.0, 5.0  # mean chroma of CIELAB: of a grey image, and of one that is none
FLAT = 0.4  # of the pixels in one colour, to 8 levels
FITTED = 16.0  # levels of the mean of a window by which the fitted image may miss the result
EXPLAINED = 0.5  # of the mean difference that may be left
SEEN = 30  # pixels of a level, by which it is known what became of it
LIGHTER = 5.0  # L* of the mean
CONTRAST = 1.18  # times the standard deviation of L*
VIVID = 1.25  # times the mean chroma
CAST = 4.0  # a* or b* of what was grey


def toned(before: Pixels, after: Pixels) -> Change | None:
    """How colours and light of an image changed; both are of a size."""
    lab = [cv2.cvtColor(of.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for of in (before, after)]
    chroma = [float(np.hypot(of[..., 1], of[..., 2]).mean()) for of in lab]
    if chroma[1] < COLOURLESS < COLOURED < chroma[0]:
        return Change("grey") if _is_grey_of(before, after) else None
    if chroma[0] < COLOURLESS < COLOURED < chroma[1]:
        return Change("colourise") if _is_grey_of(after, before) else None
    if is_same(cv2.bitwise_not(before), after):
        return Change("invert")
    tones = () if _is_flat(before) else _tones(before, after, lab, chroma)
    return Change("tones", tones=tones) if tones else None


def _is_flat(rgb: Pixels) -> bool:
    """Whether one colour covers so much that a curve could give that another and leave the rest."""
    coarse = (rgb >> 3).astype(np.int32) @ np.array([1024, 32, 1], np.int32)
    return float(np.bincount(coarse.ravel()).max()) > FLAT * coarse.size


def _explains(fitted: Pixels, before: Pixels, after: Pixels) -> bool:
    """Whether the fitted image is the result, and the input itself is not as good as that."""
    least = EXPLAINED * mean_difference(before, after)
    return is_same(fitted, after, FITTED) and mean_difference(fitted, after) <= least


def _is_grey_of(coloured: Pixels, grey: Pixels) -> bool:
    """Whether a grey image shows the light of a coloured one, under any curve."""
    light = np.repeat(cv2.cvtColor(coloured, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    flat = np.repeat(cv2.cvtColor(grey, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    return is_same(light, flat, 2 * SAME) or is_same(_curve(light, flat), flat)


def _curved(before: Pixels, after: Pixels) -> Pixels:
    """The input under the curve of each channel that makes most of it the result."""
    return np.stack([_curve(before[..., of], after[..., of]) for of in range(3)], axis=2)


def _curve(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Under the one curve that does so."""
    levels, values = before.ravel(), after.ravel().astype(np.float64)
    counts = np.bincount(levels, minlength=256)
    sums = np.bincount(levels, weights=values, minlength=256)
    known = np.flatnonzero(counts >= SEEN)
    if not len(known):
        return before
    means = sums[known] / counts[known]
    table = np.interp(np.arange(256), known, means)
    if not _is_monotone(cv2.blur(table[None], (9, 1))[0][known]):
        return before
    return np.asarray(np.clip(table.round(), 0, 255), np.uint8)[before]


def _is_monotone(values: NDArray[np.float64]) -> bool:
    """Whether lighter becomes lighter, but for noise: other curves swap colours."""
    highest = np.maximum.accumulate(values)
    return bool((highest - values).max() <= 10)


def _mixed(before: Pixels, after: Pixels) -> Pixels:
    """The input with its own grey mixed in, or taken out, as makes it likest to the result."""
    grey = np.repeat(cv2.cvtColor(before, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    parts = np.stack([before.ravel(), grey.ravel(), np.ones(before.size)], axis=1)
    step, values = max(1, before.size // 60_000), after.ravel().astype(np.float64)
    inner = np.flatnonzero((values > 2) & (values < 253))[::step]  # what is clipped tells nothing
    if len(inner) < 300:
        return before
    weights = np.linalg.lstsq(parts[inner], values[inner], rcond=None)[0]
    return np.asarray(np.clip((parts @ weights).round(), 0, 255), np.uint8).reshape(before.shape)


def _tones(
    before: Pixels, after: Pixels, lab: list[Field], chroma: list[float]
) -> tuple[Tone, ...]:
    """What is plainly other; what follows from another is not said."""
    light = [float(of[..., 0].mean()) for of in lab]
    lighter: tuple[Tone, ...] = ("brighter" if light[1] > light[0] else "darker",)
    if abs(light[1] - light[0]) < LIGHTER:
        lighter = ()
    is_curve = _explains(_curve(before, after), before, after)
    if is_curve and lighter:
        return lighter
    if _explains(_mixed(before, after), before, after):
        return lighter or _contrast(lab) or _vividness(chroma)
    if is_curve:
        return _contrast(lab)
    fitted = _curved(before, after)
    if not _explains(fitted, before, after) or not (cast := _cast(before, fitted)):
        return ()
    return (cast, *lighter)


def _contrast(lab: list[Field]) -> tuple[Tone, ...]:
    spread = [float(of[..., 0].std()) for of in lab]
    wider = (spread[1] + 0.1) / (spread[0] + 0.1)
    if 1 / CONTRAST < wider < CONTRAST:
        return ()
    return ("more_contrast",) if wider > 1 else ("less_contrast",)


def _vividness(chroma: list[float]) -> tuple[Tone, ...]:
    vivid = (chroma[1] + 0.1) / (chroma[0] + 0.1)
    if 1 / VIVID < vivid < VIVID:
        return ()
    return ("more_vivid",) if vivid > 1 else ("less_vivid",)


def _cast(before: Pixels, fitted: Pixels) -> Tone | None:
    """Which colour what was grey has now; None where there is no grey, or it is grey still."""
    lab = [cv2.cvtColor(of.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for of in (before, fitted)]
    grey = np.hypot(lab[0][..., 1], lab[0][..., 2]) < 6
    grey &= (lab[0][..., 0] > 15) & (lab[0][..., 0] < 92)
    if grey.mean() < 0.005:
        return None
    _, red, yellow = (float(of) for of in (lab[1] - lab[0])[grey].mean(axis=0))
    if max(abs(red), abs(yellow)) < CAST:
        return None
    if abs(yellow) >= abs(red):
        return "warmer" if yellow > 0 else "cooler"
    return "pinker" if red > 0 else "greener"
