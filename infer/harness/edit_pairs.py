"""Edit pairs of shards, whose right result is known to the pixel; and chains of them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from curation import shard
from curation.failures.errors import UsageError

COLUMNS = (
    *("id", "image", "inputs", "caption_instruction", "edit_operation", "edit_mask"),
    *("text_boxes", "input_boxes"),
)
MIXED = "mixed"  # a language, of instructions that mix two
_UNKNOWN = "unknown"
_ALIKE = str.maketrans("‘’“”‐‑–—−", "''\"\"-----")
_DOTS = re.compile(r"\.{2,}")


@dataclass(frozen=True)
class Text:
    """A line of text, and where its middle is in pixels."""

    text: str
    middle: tuple[float, float]


@dataclass(frozen=True)
class Pair:
    """A row of a shard. ``instructions`` are by language, ``old`` and ``lines`` the texts of its
    inputs and of its result; ``step`` is its place in a chain, 0 outside of any.
    """

    id: str
    image: bytes = field(repr=False)
    inputs: tuple[bytes, ...] = field(repr=False)
    mask: bytes | None = field(repr=False)
    instructions: Mapping[str, str]
    operation: str
    old: tuple[Text, ...] = field(repr=False)
    lines: tuple[Text, ...] = field(repr=False)
    step: int = 0
    before: "Pair | None" = field(default=None, repr=False)

    @property
    def first(self) -> "Pair":
        """The pair with which its chain begins."""
        return self.before.first if self.before else self

    def said(self, language: str) -> str | None:
        """The instruction in a language, else a mixed one; None where there is neither."""
        return self.instructions.get(language, self.instructions.get(MIXED))


def read(files: Sequence[str]) -> list[Pair]:
    """The pairs of shards, in order; chains are told by their bytes.

    Raises ``ShardError``, ``UsageError`` for shards without the columns of pairs.
    """
    pairs: dict[str, Pair] = {}
    before: Pair | None = None
    for path in files:
        names = [name for name in COLUMNS if name in shard.outline(path).columns]
        if len(names) < len(COLUMNS):
            raise UsageError(f"--data: {path}: no edit pairs; expected shards of ours")
        for batch in shard.read(path, names):
            for row in batch.to_pylist():
                if row["inputs"] and row["caption_instruction"]:
                    before = _pair(row, before)
                    pairs.setdefault(before.id, before)
    steps = {pair.before.id for pair in pairs.values() if pair.before}
    return [_placed(pair, pair.id in steps) for pair in pairs.values()]


def _pair(row: Mapping[str, Any], before: Pair | None) -> Pair:
    inputs = tuple(each["bytes"] for each in row["inputs"])
    mask = row["edit_mask"] and row["edit_mask"]["bytes"]
    follows = before is not None and inputs == (before.image,) and bool(mask) and before.mask
    instructions: dict[str, str] = {}
    for said in row["caption_instruction"]:
        instructions.setdefault(said["language"] or _UNKNOWN, said["text"])
    return Pair(
        id=row["id"],
        image=row["image"]["bytes"],
        inputs=inputs,
        mask=mask or None,
        instructions=instructions,
        operation=row["edit_operation"] or "",
        old=_lines([box for boxes in row["input_boxes"] or () for box in boxes]),
        lines=_lines(row["text_boxes"]),
        step=before.step + 1 if follows and before else 1,
        before=before if follows else None,
    )


def _placed(pair: Pair, is_followed: bool) -> Pair:
    return pair if pair.before or is_followed else replace(pair, step=0)


def _lines(boxes: Sequence[Mapping[str, Any]] | None) -> tuple[Text, ...]:
    lines = [box for box in boxes or () if box["level"] == "line" and plain(box["text"])]
    middles = [np.reshape(box["quad"], (4, 2)).mean(0) for box in lines]
    return tuple(
        Text(box["text"], (float(across), float(down)))
        for box, (across, down) in zip(lines, middles, strict=True)
    )


def plain(text: str) -> str:
    """Without spaces, with one form for characters of two widths, and for quotation marks, dashes,
    degrees and dots that readers confuse.
    """
    compatible = unicodedata.normalize("NFKC", text.replace("º", "°"))
    return _DOTS.sub("…", "".join(compatible.translate(_ALIKE).split()))


def changed(before: Pair, after: Pair) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lines that are new since the inputs of a pair, and those that are shown no more.

    Neither has what is part of another text there, which is read in any case.
    """
    old, new = (Counter(each.text for each in of) for of in (before.old, after.lines))
    stood, stands = (plain("".join(each.elements())) for each in (old, new))
    fresh = [text for text in new - old if plain(text) not in stood]
    gone = [text for text in old - new if plain(text) not in stands]
    return tuple(sorted(fresh)), tuple(sorted(gone))


def under(pair: Pair, mask: "np.ndarray[Any, np.dtype[np.bool_]]") -> tuple[str, ...]:
    """The lines of both images whose middle lies in a piece of the mask (H, W), holes in it too."""
    filled = mask.astype(np.uint8)
    outlines, _ = cv2.findContours(filled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    height, width = mask.shape
    stayed = {each.text for each in pair.old}
    return tuple(
        line.text
        for line in pair.lines
        if line.text in stayed
        and 0 <= line.middle[0] < width
        and 0 <= line.middle[1] < height
        and filled[int(line.middle[1]), int(line.middle[0])]
    )
