"""Exact edits: edit pairs that we render, whose right result is known to the pixel. No judge.

``--data`` are shards of ``python -m synthesis.render --mode edit``; an image is asked for by a
pair's instruction of each language. A chain (each pair begins with the result of the one before) is
asked for once more, from the model's own last result.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.failures.errors import UsageError
from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen
from infer.harness import drawn, edit_pairs, exact_results
from infer.harness.edit_pairs import MIXED, Pair

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

STILL = 0.5  # pixels


class ExactEdits(Benchmark):
    """What was to stay (PSNR, shift), texts by the reader, colours, overlaps, and chains."""

    reads = True

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        super().__init__(checkpoint, data)
        self._pairs: dict[str, Pair] = {}

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was asked, and what counts as right."""
        chained = sum(pair.step > 0 for pair in self._pairs.values())
        return {
            "pairs": len(self._pairs),
            "of_chains": chained,
            "recognisable_db": exact_results.RECOGNISABLE,
            "still_pixels": STILL,
            "same_colour_cielab": drawn.SAME_COLOUR,
        }

    def requests(self) -> Sequence[Request]:
        """One of each pair and language, and one of each step of a chain."""
        from train.data.shard_files import paths

        if self.data is None:
            raise UsageError(
                "expected --data: shards of `python -m synthesis.render --mode edit`, which the"
                " model did not learn"
            )
        pairs = edit_pairs.read(paths(self.data, f"--data {self.data}"))
        if not pairs:
            raise UsageError(f"--data {self.data}: no edit pairs with instructions here")
        self._pairs = {pair.id: pair for pair in pairs}
        return [request for pair in pairs for request in _requests(pair)]

    def perfect(self, request: Request) -> "Image.Image":
        """The true result."""
        return exact_results.image(self._pairs[request.facts["pair"]].image)

    def measure(self, request: Request, seen: Seen) -> Measured:
        """All that is known of one result; it is brought to the size of the true one."""
        pair = self._pairs[request.facts["pair"]]
        values = exact_results.measured(pair, seen, is_drifting=request.facts["drift"])
        score = 0.0 if seen.is_missing else exact_results.score(values)
        return Measured(score, seen.text, values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """Of all pairs by themselves, of each language and operation, and of steps of chains.

        Intervals are over pairs: a pair's languages depend on each other.
        """
        rows = [replace(row, id=row.facts["pair"]) for row in rows]
        alone = [row for row in rows if not row.facts["drift"]]
        listed = list(_figures("", alone))
        languages = sorted({row.facts["language"] for row in alone})
        for language in languages if len(languages) > 1 else ():
            own = [row for row in alone if row.facts["language"] == language]
            listed += _figures(f", {language}", own)
        for operation in dict.fromkeys(row.facts["operation"] for row in alone):
            own = [row for row in alone if row.facts["operation"] == operation]
            listed += [*_figures(f", {operation}", own), *_overlaps(operation, own)]
        drifting = [row for row in rows if row.facts["drift"]]
        for step in sorted({row.facts["step"] for row in drifting}):
            own = [row for row in drifting if row.facts["step"] == step]
            listed += _figures(f", chain step {step}", own)
        return listed


def _figures(name: str, rows: Sequence[Row]) -> Iterator["Metric"]:
    from infer.harness import metrics

    def mean(figure: str, key: str, own: Sequence[Row]) -> "Iterator[Metric]":
        if own:
            yield metrics.mean(f"{figure}{name}", own, metrics.value(key), by=())

    kept = [row for row in rows if row.values["kept"]]
    detailed = [row for row in kept if row.values["detail"]]
    yield from mean("unchanged_psnr", "psnr", kept)
    moved = [row for row in detailed if row.values["shift"] is not None]
    yield from mean("unchanged_shift", "shift", moved)
    if detailed:
        yield metrics.share(f"unchanged_still{name}", detailed, _is_still, by=())
    remade = [row for row in rows if not row.values["kept"] and row.values["iou"] is None]
    yield from mean("target_psnr", "psnr", remade)
    yield from mean("gain", "gain", [row for row in rows if row.values["gain"] is not None])
    written = [row for row in rows if row.values["texts"]]
    if written:
        yield metrics.share(f"text{name}", written, lambda row: row.values["right"])
    coloured = [row for row in rows if row.values["recoloured"] is not None]
    if coloured:
        yield metrics.share(f"recoloured{name}", coloured, lambda row: row.values["recoloured"])
        yield metrics.mean(
            f"colour_difference{name}", coloured, lambda row: row.values["colours"][0], by=()
        )


def _overlaps(operation: str, rows: Sequence[Row]) -> Iterator["Metric"]:
    from infer.harness import metrics

    for key in ("iou", "iou_1px", "iou_of_inputs"):
        own = [row for row in rows if row.values[key] is not None]
        if own:
            yield metrics.mean(f"{key}, {operation}", own, metrics.value(key), by=())


def _is_still(row: Row) -> bool:
    return row.values["shift"] is not None and row.values["shift"] < STILL


def _requests(pair: Pair) -> Iterator[Request]:
    fresh, _ = edit_pairs.changed(pair, pair)
    facts = {"pair": pair.id, "operation": pair.operation, "step": pair.step}
    for language, instruction in pair.instructions.items():
        yield Request(
            f"{pair.id}-{language}",
            instruction,
            group=f"{pair.operation}, {language}",
            texts=fresh,
            facts=facts | {"drift": False, "language": language},
            inputs=pair.inputs,
        )
    if not pair.step:
        return
    since, _ = edit_pairs.changed(pair.first, pair)
    for language in pair.first.instructions:
        said = _said_so_far(pair, language)
        if said is not None and language != MIXED:
            yield Request(
                f"{pair.id}-{language}-chain",
                said,
                group=f"chain, {language}",
                texts=since,
                facts=facts | {"drift": True, "language": language},
                inputs=() if pair.before else pair.inputs,
                edits=f"{pair.before.id}-{language}-chain" if pair.before else None,
            )


def _said_so_far(pair: Pair, language: str) -> str | None:
    """The instruction in a language, where all before it have one too."""
    if pair.before is not None and _said_so_far(pair.before, language) is None:
        return None
    return pair.said(language)
