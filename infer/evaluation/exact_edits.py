"""Exact edits: edit pairs that we render, whose right result is known to the pixel. No judge.

``--data`` are shards of ``python -m synthesis.render --mode edit``; an image is asked for by a
pair's first instruction. Where pairs are a chain (each begins with the result of the one before),
each is asked for twice: from the true image, and from the model's own last result.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curation import shard
from curation.failures.errors import UsageError
from curation.picture import decoding
from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen
from infer.harness import likeness

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

COLUMNS = (
    *("id", "image", "inputs", "caption_instruction", "edit_operation", "edit_mask"),
    *("text_boxes", "input_boxes"),
)
RECOGNISABLE = 20.0  # dB of what was to stay, below which no text is right
STILL = 0.5  # pixels
_GOOD = 40.0  # dB: orders the worst cases


@dataclass(frozen=True)
class Pair:
    """A row of a shard: ``step`` is its place in a chain, 0 outside of any."""

    id: str
    image: bytes = field(repr=False)
    inputs: tuple[bytes, ...] = field(repr=False)
    mask: bytes | None = field(repr=False)
    instruction: str
    operation: str
    new: tuple[str, ...]
    gone: tuple[str, ...]
    step: int = 0
    before: "Pair | None" = field(default=None, repr=False)


class ExactEdits(Benchmark):
    """Unchanged region (PSNR, shift), changed text by the reader, and what chains lose."""

    reads = True

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        super().__init__(checkpoint, data)
        self._pairs: dict[str, Pair] = {}

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was asked, and what counts as right."""
        chained = sum(pair.step > 0 for pair in self._pairs.values())
        counted = {"pairs": len(self._pairs), "of_chains": chained}
        return {**counted, "recognisable_db": RECOGNISABLE, "still_pixels": STILL}

    def requests(self) -> Sequence[Request]:
        """One of each pair, and another of each but the first of a chain."""
        from train.data.index import paths

        if self.data is None:
            raise UsageError(
                "expected --data: shards of `python -m synthesis.render --mode edit`, which the"
                " model did not learn"
            )
        pairs = read(paths(self.data, f"--data {self.data}"))
        if not pairs:
            raise UsageError(f"--data {self.data}: no edit pairs with instructions here")
        self._pairs = {pair.id: pair for pair in pairs}
        return [request for pair in pairs for request in _requests(pair)]

    def perfect(self, request: Request) -> "Image.Image":
        """The true result."""
        return _image(self._pairs[request.facts["pair"]].image)

    def measure(self, request: Request, seen: Seen) -> Measured:
        """All that is known of one result; it is brought to the size of the true one."""
        from PIL.Image import Resampling

        pair = self._pairs[request.facts["pair"]]
        wanted = _image(pair.image)
        image = seen.image
        if image.size != wanted.size:
            image = image.resize(wanted.size, Resampling.LANCZOS)
        made, truth = np.array(image), np.array(wanted)
        mask = _unchanged(pair, request.facts["drift"], truth.shape[:2])
        values: dict[str, Any] = {"resized": seen.image.size != wanted.size}
        level = values["psnr"] = likeness.psnr(made, truth, mask)
        values["shift"] = None if mask is None else likeness.shift(made, truth, mask)
        values["kept"] = mask is not None
        if mask is not None:
            values["detail"] = likeness.shift(truth, truth, mask) is not None
        read = plain("".join(line.text for line in seen.lines))
        values["new"] = [plain(text) in read for text in pair.new]
        values["gone"] = [plain(text) not in read for text in pair.gone]
        values["right"] = level >= RECOGNISABLE and all(values["new"] + values["gone"])
        texts = float(values["right"]) if pair.new or pair.gone else 1.0
        score = 0.0 if seen.is_missing else min(level / _GOOD, 1) * (1 + texts) / 2
        return Measured(score, seen.text, values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """Of all pairs by themselves, of each operation, and of each step of chains."""
        from infer.harness import metrics

        alone = [row for row in rows if not row.facts["drift"]]
        listed = _figures("", alone)
        for operation, own in metrics.by_group(alone).items():
            listed += _figures(f", {operation}", own)
        drifting = [row for row in rows if row.facts["drift"]]
        for step in sorted({row.facts["step"] for row in drifting}):
            own = [row for row in drifting if row.facts["step"] == step]
            listed += _figures(f", chain step {step}", own)
        return listed


def _figures(name: str, rows: Sequence[Row]) -> list["Metric"]:
    from infer.harness import metrics

    listed: list[Metric] = []
    kept = [row for row in rows if row.values["kept"]]
    detailed = [row for row in kept if row.values["detail"]]
    moved = [row for row in detailed if row.values["shift"] is not None]
    remade = [row for row in rows if not row.values["kept"]]
    written = [row for row in rows if row.values["new"] + row.values["gone"]]
    if kept:
        listed.append(
            metrics.mean(f"unchanged_psnr{name}", kept, lambda row: row.values["psnr"], by=())
        )
    if moved:
        listed.append(
            metrics.mean(f"unchanged_shift{name}", moved, lambda row: row.values["shift"], by=())
        )
    if detailed:
        listed.append(metrics.share(f"unchanged_still{name}", detailed, _is_still, by=()))
    if remade:
        listed.append(
            metrics.mean(f"target_psnr{name}", remade, lambda row: row.values["psnr"], by=())
        )
    if written:
        listed.append(metrics.share(f"text{name}", written, lambda row: row.values["right"]))
    return listed


def _is_still(row: Row) -> bool:
    return row.values["shift"] is not None and row.values["shift"] < STILL


def read(files: Sequence[str]) -> list[Pair]:
    """The pairs of shards, in order; chains are told by their bytes. Raises ``ShardError``."""
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
    after = _lines(row["text_boxes"])
    old = _lines([box for boxes in row["input_boxes"] or () for box in boxes])
    shown = plain("".join(after.elements()))
    return Pair(
        id=row["id"],
        image=row["image"]["bytes"],
        inputs=inputs,
        mask=mask or None,
        instruction=row["caption_instruction"][0]["text"],
        operation=row["edit_operation"] or "",
        new=tuple(sorted((after - old).elements())),
        gone=tuple(sorted(text for text in old - after if plain(text) not in shown)),
        step=before.step + 1 if follows and before else 1,
        before=before if follows else None,
    )


def _placed(pair: Pair, is_followed: bool) -> Pair:
    return pair if pair.before or is_followed else replace(pair, step=0)


def _lines(boxes: Sequence[Mapping[str, Any]] | None) -> Counter[str]:
    listed = list(boxes or ())
    texts = [box["text"] for box in listed if box["level"] == "line"]
    return Counter(text for text in texts if plain(text))


def plain(text: str) -> str:
    """Without spaces, and with one form for characters of two widths: readers differ in these."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def _requests(pair: Pair) -> list[Request]:
    facts = {"pair": pair.id, "step": pair.step}
    alone = Request(
        pair.id,
        pair.instruction,
        group=pair.operation,
        texts=pair.new,
        facts=facts | {"drift": False},
        inputs=pair.inputs,
    )
    if pair.before is None:
        return [alone]
    edited = pair.before.id + ("-chain" if pair.before.before else "")
    drifting = Request(
        f"{pair.id}-chain",
        pair.instruction,
        group=f"chain step {pair.step}",
        texts=pair.new,
        facts=facts | {"drift": True},
        edits=edited,
    )
    return [alone, drifting]


def _unchanged(pair: Pair, is_drifting: bool, shape: tuple[int, ...]) -> "likeness.Mask | None":
    """Where neither this edit nor, of a chain, any before may have changed a pixel."""
    if pair.mask is None:
        return None
    unchanged = np.ones(shape, bool)
    step: Pair | None = pair
    while step is not None and step.mask is not None:
        changed = np.array(_image(step.mask).convert("L")) > 0
        if changed.shape != shape:
            raise UsageError(f"{pair.id}: its mask is of another size than its result")
        unchanged &= ~changed
        step = step.before if is_drifting else None
    return unchanged if unchanged.any() else None


def _image(data: bytes) -> "Image.Image":
    from PIL import Image

    return Image.fromarray(decoding.decode(data, None).rgb)
