"""What became of every caption: each has one end, as each image has.

A caption is kept where its image is and it passes the rules on captions up to the stage ``keep``;
its stage is the deepest that both pass. It is dropped by the rule that stops it, or with its image
where that is stopped first, be it dropped or quarantined. It is quarantined where a rule up to
``keep`` finds no value, or where a model was asked for it and what came was no caption.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.configuration.models import Pipeline
from curation.judging.captions import (
    ASKED,
    WRITTEN,
    BySplit,
    Depths,
    Mask,
    is_of_texts,
    list_lengths,
    ruling,
)
from curation.judging.decision import Decision
from curation.judging.rules import CAPTIONS, DROPPED, KEPT, NOWHERE, QUARANTINED, VERDICTS, Check
from curation.measuring.chosen import Chosen
from curation.output.measured import LOOKED, UNMEASURABLE
from curation.signals import captions

UNMEASURED = "unmeasured"  # no model looked yet
PROBLEM = f"{ASKED}_problem"
ANSWERED = "none"  # what a model that writes captions says where nothing is wrong with its answer
IMAGE_DROPPED = "image dropped"
IMAGE_QUARANTINED = "image quarantined"  # and its reason
FIELDS = ("split", "verdict", "stage", "rule", "reason")
TYPE = pa.list_(pa.struct([pa.field(name, pa.string()) for name in FIELDS]))
_ROW = "row"
_PASSES = np.iinfo(np.int64).max
_SCHEMA = pa.schema([pa.field(_ROW, pa.int64()), *(pa.field(of, pa.string()) for of in FIELDS)])


@dataclass(frozen=True)
class Writer:
    """A signal that writes the captions of a ``split``. A ``model`` may say in its column
    ``problem`` why there is none of a row that it was asked about.
    """

    split: str
    model: str | None
    problem: str | None


class CaptionEnds:
    """Tells the ends of captions of a pipeline, one unit after the other."""

    def __init__(self, pipeline: Pipeline, chosen: Chosen) -> None:
        self._stages = [stage.name for stage in pipeline.stages]
        self._keep = pipeline.number_of(pipeline.keep)
        self._ruling = ruling(pipeline)
        owners = {of.column: chosen.owner[of.column] for of in self._ruling if not is_of_texts(of)}
        self._model_of = {name: of.name for name, of in owners.items() if of.tier == "model"}
        self._writers = {of.split: of for of in writers(chosen)}

    @property
    def columns(self) -> list[str]:
        """The measured columns that are read beside those of rules on captions."""
        writers = self._writers.values()
        looked = {*self._model_of.values(), *(of.model for of in writers if of.model)}
        wrote = [f"caption_{of.split}" for of in writers]
        said = [of.problem for of in writers if of.problem]
        counts = [captions.counted(split) for split in captions.SPLITS]
        return [*counts, *wrote, *said, *(LOOKED + name for name in sorted(looked))]

    def of_unit(self, table: pa.Table, of: BySplit, decision: Decision) -> pa.Table:
        """A row of ``FIELDS`` for each caption of N images, and which image it is of, in order.

        ``table`` are the measured columns of the images, ``of`` how deep their captions come.
        """
        images = _Images(table, decision)
        parts: list[pa.Table] = []
        for split, depths in of.items():
            parts.append(self._of_split(split, depths, images, table))
            if split in self._writers:
                why = unanswered(table, self._writers[split])
                parts.append(_quarantined(split, why))
        every = pa.concat_tables([of for of in parts if of.num_rows] or parts[:1])
        order = np.argsort(np.asarray(every.column(_ROW)), kind="stable")
        return every.take(pa.array(order))

    def kept(self, of: BySplit, decision: Decision) -> Counter[str]:
        """By split how many captions of N images are kept, which come as deep as ``of`` says."""
        kept = decision.judgement.verdict == KEPT
        stops = _stops(decision)
        counts = Counter[str]()
        for split, depths in of.items():
            stage, at = self._stop(depths, decision.ordered)
            falls = (at <= stops[depths.row]) & (stage <= self._keep)
            counts[split] = int((kept[depths.row] & ~falls).sum())
        return counts

    def total(self, table: pa.Table) -> dict[str, int]:
        """How many captions there are by split: said by sources, written by models where those
        say none, or asked for in vain.
        """
        total: dict[str, int] = {}
        for split in captions.SPLITS:
            said = np.asarray(table.column(captions.counted(split)), np.int64)
            total[split] = int(said.sum())
            if split in self._writers:
                wrote = list_lengths(table.column(f"caption_{split}"))
                total[split] += int(wrote[(said == 0) & (wrote > 0)].sum())
                why = unanswered(table, self._writers[split])
                total[split] += len(why) - why.null_count
        return total

    def _of_split(self, split: str, of: Depths, images: "_Images", table: pa.Table) -> pa.Table:
        verdict, stage, at = images.verdict[of.row], *self._stop(of, images.ordered)
        own = at <= images.stop[of.row]  # its own rule stops it before its image is
        looked = self._looked(of, table)
        falls = own & (stage <= self._keep)
        quarantined = falls & of.null & (looked | (verdict != DROPPED))
        dropped = falls & ~of.null
        follows = ~(quarantined | dropped)
        kept, lost = follows & (verdict == KEPT), follows & (verdict != KEPT)
        no_deeper = kept & own & looked

        ends = np.select([kept, quarantined], [KEPT, QUARANTINED], DROPPED)
        deepest = np.minimum(of.depth, images.depth[of.row]) - 1
        stages = np.select([kept, lost], [deepest, images.stage[of.row]], stage)
        of_image = np.where(images.check[of.row] < 0, -1, images.check[of.row] + len(self._ruling))
        number = np.select([lost, ~kept | no_deeper], [of_image, of.stopped], -1)
        empty = (quarantined | no_deeper) & of.null
        why = np.select([empty & looked, empty], [0, 1], -1)
        reasons = _named([UNMEASURABLE, UNMEASURED], why)
        if lost.any():
            with_image = images.reasons.take(pa.array(of.row))
            reasons = pc.if_else(pa.array(lost), with_image, reasons)
        columns = {
            _ROW: pa.array(of.row),
            "split": pa.repeat(split, len(of.row)),
            "verdict": _named(VERDICTS, ends),
            "stage": _named(self._stages, stages),
            "rule": _named([rule.rule for rule in (*self._ruling, *images.ordered)], number),
            "reason": reasons,
        }
        return pa.table(columns, schema=_SCHEMA)

    def waits(self, table: pa.Table, of: BySplit) -> NDArray[np.int64]:
        """From which stage on each of N rows waits for a model to look at any of its captions."""
        first = np.full(table.num_rows, NOWHERE, np.int64)
        for depths in of.values():
            unlooked = ~self._looked(depths, table)
            np.minimum.at(first, depths.row[unlooked], depths.depth[unlooked])
        return first

    def _stop(
        self, of: Depths, ordered: Sequence[Check]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The stage at which its own rule stops each caption (M,), and the check of that among all
        of images; ``NOWHERE`` for one that passes.
        """
        stages = np.array([*(rule.stage for rule in self._ruling), NOWHERE], np.int64)
        checks = {of.stage: n for n, of in enumerate(ordered) if of.column == CAPTIONS}
        places = [checks.get(stage, NOWHERE) for stage in stages.tolist()]
        return stages[of.stopped], np.where(of.stopped < 0, _PASSES, np.array(places)[of.stopped])

    def _looked(self, of: Depths, table: pa.Table) -> Mask:
        """Whether a model looked for what the rule asks that stops a caption (M,)."""
        looked = np.ones(len(of.row), np.bool_)
        for number in np.unique(of.stopped[of.null]).tolist():
            if model := self._model_of.get(self._ruling[number].column):
                here = of.null & (of.stopped == number)
                flags = np.asarray(table.column(LOOKED + model), np.bool_)
                looked[here] = flags[of.row[here]]
        return looked


class _Images:
    """What became of N images, as their captions see it.

    ``stop`` (N,) is the check that stops each, -1 where it did not decode; ``stage`` (N,) is that
    of this check, or -1; ``reasons`` (N,) say of those that are lost how.
    """

    def __init__(self, table: pa.Table, decision: Decision) -> None:
        judged, self.ordered = decision.judgement, decision.ordered
        self.verdict, self.depth, self.check = judged.verdict, judged.depth, judged.check
        self.stop = _stops(decision)
        stages = np.array([*(check.stage for check in self.ordered), -1], np.int64)
        self.stage = stages[judged.check]
        other = _named([UNMEASURABLE, UNMEASURED], decision.unlooked.astype(np.int64))
        codes = pc.coalesce(_array(table.column("reason")), other)
        quarantined = pc.binary_join_element_wise(IMAGE_QUARANTINED, codes, ": ")
        why = [IMAGE_DROPPED if of == DROPPED else None for of in range(len(VERDICTS))]
        of_quarantined = pa.array(self.verdict == QUARANTINED)
        self.reasons = pc.if_else(of_quarantined, quarantined, _named(why, self.verdict))


def _stops(decision: Decision) -> NDArray[np.int64]:
    """The check that stops each of N images, -1 where it did not decode."""
    check = decision.judgement.check
    return np.where(decision.reading.readable, np.where(check < 0, NOWHERE, check), -1)


def writers(chosen: Chosen) -> Iterator[Writer]:
    """The signals that write captions; a model says in ``recaption_problem`` why there is none."""
    for split in WRITTEN:
        entry = chosen.owner.get(f"caption_{split}")
        if entry is not None and entry.name not in chosen.left_out:
            is_asked = entry.tier == "model" and split == ASKED and PROBLEM in entry.columns
            model = entry.name if entry.tier == "model" else None
            yield Writer(split, model, PROBLEM if is_asked else None)


def unanswered(table: pa.Table, writer: Writer) -> pa.Array:
    """Why a model wrote no caption of those of N rows that it was asked about; else null."""
    if writer.model is None or writer.problem is None:
        return pa.nulls(table.num_rows, pa.string())
    looked = np.asarray(table.column(LOOKED + writer.model), np.bool_)
    if not looked.any():
        return pa.nulls(table.num_rows, pa.string())
    said = np.asarray(table.column(captions.counted(writer.split)), np.int64)
    wrote = list_lengths(table.column(f"caption_{writer.split}"))
    asked = pa.array(looked & (said == 0) & (wrote <= 0))
    why = pc.fill_null(_array(table.column(writer.problem)), UNMEASURABLE)
    return pc.if_else(pc.and_(asked, pc.not_equal(why, ANSWERED)), why, None)


def lists(ends: pa.Table, rows: int) -> pa.ListArray:
    """The ends of captions (``CaptionEnds.of_unit``) as a list for each of N images."""
    offsets = np.searchsorted(np.asarray(ends.column(_ROW)), np.arange(rows + 1))
    columns = [_array(ends.column(name)) for name in FIELDS]
    values = pa.StructArray.from_arrays(columns, fields=list(TYPE.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=TYPE)


def _quarantined(split: str, why: pa.Array) -> pa.Table:
    """The ends of captions that a model was asked for in vain, of those of N rows that say why."""
    rows = np.flatnonzero(np.asarray(pc.is_valid(why)))
    columns = {
        _ROW: pa.array(rows, pa.int64()),
        "split": pa.repeat(split, len(rows)),
        "verdict": pa.repeat(VERDICTS[QUARANTINED], len(rows)),
        "stage": pa.nulls(len(rows), pa.string()),
        "rule": pa.nulls(len(rows), pa.string()),
        "reason": why.take(pa.array(rows)),
    }
    return pa.table(columns, schema=_SCHEMA)


def _named(names: Sequence[str | None], numbers: NDArray[np.integer]) -> pa.Array:
    """The names of these numbers (M,); null for -1."""
    return pa.array(names, pa.string()).take(pa.array(numbers, mask=numbers < 0))


def _array(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)
