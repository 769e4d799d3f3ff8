"""What is known of the result of one exact edit: what was to stay, what was drawn and written."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from curation.failures.errors import UsageError
from curation.picture import decoding, likeness
from curation.picture.likeness import Bytes, Mask
from infer.harness import drawn, edit_pairs
from infer.harness.edit_pairs import Pair, plain
from infer.harness.rows import Seen

if TYPE_CHECKING:
    from PIL import Image

RECOGNISABLE = 20.0  # dB of what was to stay, below which no text and no colour is right
RECOLOURS = ("text.recolour", "attribute.colour", "background.recolour")
BOXES, MASK, EDGES = "task.boxes", "task.mask", "task.edges"
_TASKS = (BOXES, MASK, EDGES)  # of which texts are no part
_AS_SHOWN = ("restoration.", "task.super_resolution")  # the same image, only better
_GOOD = 40.0  # dB: orders the worst cases


def measured(pair: Pair, seen: Seen, *, is_drifting: bool) -> dict[str, Any]:
    """All values of a result, brought to the size of the true one; of a chain's step, which
    ``is_drifting``, what is new since its beginning.
    """
    from PIL.Image import Resampling

    wanted, before = image(pair.image), image(pair.inputs[0])
    sized = [
        each if each.size == wanted.size else each.resize(wanted.size, Resampling.LANCZOS)
        for each in (seen.image, before)
    ]
    made, was, truth = (np.array(each) for each in (*sized, wanted))
    values: dict[str, Any] = {"resized": seen.image.size != wanted.size}
    values |= _stayed(pair, is_drifting, made, truth, was)
    values |= _drawn(pair, made, truth, was)
    if seen.is_missing and values["iou"] is not None:
        values["iou"] = 0.0
    return values | _written(pair, is_drifting, seen, values)


def _stayed(pair: Pair, is_drifting: bool, made: Bytes, truth: Bytes, was: Bytes) -> dict[str, Any]:
    """``psnr`` outside of the mask, of all where there is none; ``gain``: by how many dB what was
    to change is nearer to the true result than the input is.
    """
    mask = _unchanged(pair, is_drifting, truth.shape[:2])
    values: dict[str, Any] = {"psnr": likeness.psnr(made, truth, mask), "kept": mask is not None}
    values["shift"] = None if mask is None else likeness.shift(made, truth, mask)
    values["detail"] = mask is not None and likeness.shift(truth, truth, mask) is not None
    changes = None if mask is None else ~mask
    is_bounded = changes is not None and bool(changes.any()) and not is_drifting
    values["gain"] = None
    if is_bounded or (mask is None and pair.operation.startswith(_AS_SHOWN)):
        values["gain"] = likeness.psnr(made, truth, changes) - likeness.psnr(was, truth, changes)
    return values


def _drawn(pair: Pair, made: Bytes, truth: Bytes, was: Bytes) -> dict[str, Any]:
    """Overlaps of frames, masks and edges (``iou_of_inputs``: of who changes nothing); how far
    colours are off, and were before.
    """
    values: dict[str, Any] = dict.fromkeys(("iou", "iou_1px", "iou_of_inputs", "colours"))
    if pair.operation == BOXES:
        values["iou"] = drawn.overlap(*drawn.framed(made, truth, was))
    elif pair.operation in (MASK, EDGES):
        white = drawn.white(made), drawn.white(truth)
        values["iou"] = drawn.overlap(*white)
        values["iou_of_inputs"] = drawn.overlap(drawn.white(was), white[1])
        values["iou_1px"] = drawn.overlap(*white, 1) if pair.operation == EDGES else None
    elif pair.operation in RECOLOURS and pair.mask is not None:
        values["colours"] = drawn.colours(made, truth, was, _mask(pair, truth.shape[:2]))
    return values


def _written(
    pair: Pair, is_drifting: bool, seen: Seen, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Which lines are read that should be, or are not that should not; of a chain since it began.
    ``recoloured``: the colour is right, and of texts what was recoloured is still read.
    """
    read = plain("".join(line.text for line in seen.lines))
    fresh, gone = edit_pairs.changed(pair.first if is_drifting else pair, pair)
    if pair.operation in _TASKS:
        fresh, gone = (), ()
    texts = [plain(text) in read for text in fresh] + [plain(text) not in read for text in gone]
    is_recognised = values["psnr"] >= RECOGNISABLE and not seen.is_missing
    recoloured = None
    if values["colours"] is not None:
        size = image(pair.image).size[::-1]
        inked = pair.operation == "text.recolour"
        lines = edit_pairs.under(pair, _mask(pair, size)) if inked else ()
        recoloured = is_recognised and drawn.is_coloured(*values["colours"])
        recoloured = recoloured and all(plain(line) in read for line in lines)
    right = is_recognised and all(texts)
    return {"texts": len(texts), "right": right, "recoloured": recoloured}


def score(values: Mapping[str, Any]) -> float:
    """What orders the worst cases, 0 to 1."""
    if values["iou"] is not None:
        return float(values["iou"])
    done = [values["right"]] if values["texts"] else []
    done += [] if values["recoloured"] is None else [values["recoloured"]]
    return float(min(values["psnr"] / _GOOD, 1) * (1 + all(done)) / 2)


def _unchanged(pair: Pair, is_drifting: bool, shape: tuple[int, ...]) -> Mask | None:
    """Where neither this edit nor, of a chain, any before may have changed a pixel."""
    if pair.mask is None:
        return None
    unchanged = np.ones(shape, bool)
    step: Pair | None = pair
    while step is not None and step.mask is not None:
        unchanged &= ~_mask(step, shape)
        step = step.before if is_drifting else None
    return unchanged if unchanged.any() else None


def _mask(pair: Pair, shape: tuple[int, ...]) -> Mask:
    """Where the edit may have changed a pixel."""
    assert pair.mask is not None
    changed = np.asarray(np.array(image(pair.mask).convert("L")) > 0)
    if changed.shape != tuple(shape):
        raise UsageError(f"{pair.id}: its mask is of another size than its result")
    return changed


def image(data: bytes) -> "Image.Image":
    """An RGB image. Raises ``PictureError``."""
    from PIL import Image

    return Image.fromarray(decoding.decode(data, None).rgb)
