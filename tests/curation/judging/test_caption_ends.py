"""The ledger of captions: each has one end, whatever rules, models and images do to it."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making.pipelines import pipeline_of

from curation.configuration.loading import Bound, Pipeline, Stage
from curation.judging import caption_ends, rules
from curation.judging import captions as caption_rules
from curation.judging.caption_counts import CaptionCounts
from curation.judging.caption_ends import CaptionEnds
from curation.judging.decision import Decision
from curation.judging.ledger import Counts, LedgerError
from curation.judging.reading import Reading
from curation.judging.rules import DROPPED, KEPT, QUARANTINED, VERDICTS, Check
from curation.measuring.chosen import Chosen
from curation.output.measured import LOOKED
from curation.shard import CAPTIONS
from curation.signals.captions import SPLITS, column, counted
from curation.signals.signal import Column, Signal

STAGES, KEEP = 3, 1  # kept from the second of three on
VALUES = pa.list_(pa.float32())
KIND = Column(VALUES, "1", "of a test", in_shards=False)
WRITER = Signal(
    "writer",
    "model",
    1,
    {
        "caption_recaption": Column(CAPTIONS, "captions", "of a test"),
        "caption_fused": Column(CAPTIONS, "captions", "of a test"),
        "recaption_problem": Column(pa.string(), "category", "of a test"),
        column("recaption", "quote_recall"): KIND,
    },
    lambda: None,
)
FIT = Signal("fit", "model", 1, {column("raw", "alignment"): KIND}, lambda: None)
CHOSEN = Chosen((WRITER, FIT), {}, ())
VALUE = st.sampled_from([0.0, 1.0, 2.0, 3.0, None])  # a rule of stage n asks for more than n


@dataclass(frozen=True)
class Image:
    """An image with captions: the stage that stops it or none, how, and what is measured."""

    raw: list[float]  # by which their lengths are ruled
    fit: list[float | None] | None  # None: the model did not look
    recaption: list[float]
    fused: int
    answer: str | list[float | None] | None  # of the writer: a problem, a caption, not asked
    stops: int
    verdict: int


@st.composite
def images(draw: Any) -> Image:
    raw = draw(st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0]), max_size=3))
    fit = draw(st.none() | st.lists(VALUE, min_size=len(raw), max_size=len(raw)))
    recaption = draw(st.sampled_from([[], [], [], [1.0], [1.0, 1.0]]))
    answers = [(0.0,), (1.0,), (2.0,), (3.0,), (None,), "looping", "truncated", None]
    answer = draw(st.sampled_from(answers))
    stops = draw(st.integers(-1, STAGES))  # -1: not readable, STAGES: by nothing
    if stops == -1:
        verdict = QUARANTINED
    elif stops <= KEEP:
        verdict = draw(st.sampled_from([DROPPED, QUARANTINED]))
    else:
        verdict = draw(st.sampled_from([KEPT, KEPT, DROPPED, QUARANTINED]))
    fused = draw(st.sampled_from([0, 0, 1]))
    return Image(raw, fit, recaption, fused, answer, stops, verdict)


def ruled(ruled_splits: frozenset[str]) -> Pipeline:
    """Each stage asks more of the length and fit of raw captions and the score of recaptions."""
    of = {"raw": ("length", "alignment"), "recaption": ("quote_recall",)}
    stages = []
    for number in range(STAGES):
        bounds = {
            split: {name: Bound(min=number + 1.0) for name in of[split]} for split in ruled_splits
        }
        stage = Stage(name=f"s{number}", resolution=1, bounds={}, captions=bounds or None)
        stages.append(stage)
    return pipeline_of(*stages, keep=f"s{KEEP}", signals=("captioning.recaption",))


def table_of(rows: list[Image]) -> pa.Table:
    captions = [{"text": "a", "language": None, "origin": None, "stage": None}]
    written, answered = [], []
    for row in rows:
        is_written = isinstance(row.answer, tuple) and not row.recaption
        written.append(captions if is_written else [] if row.answer else None)
        answered.append(list(row.answer) if is_written else [1.0] * len(row.recaption))
    looked = [row.answer is not None for row in rows]
    return pa.table(
        {
            "reason": pa.array(
                ["truncated" if row.stops == -1 else None for row in rows], pa.string()
            ),
            counted("raw"): pa.array([len(row.raw) for row in rows], pa.int32()),
            counted("recaption"): pa.array([len(row.recaption) for row in rows], pa.int32()),
            counted("fused"): pa.array([row.fused for row in rows], pa.int32()),
            column("raw", "length"): pa.array([row.raw for row in rows], VALUES),
            column("raw", "alignment"): pa.array([row.fit for row in rows], VALUES),
            column("recaption", "quote_recall"): pa.array(
                [of if is_looked else None for of, is_looked in zip(answered, looked, strict=True)],
                VALUES,
            ),
            "caption_recaption": pa.array(written, CAPTIONS),
            "caption_fused": pa.array(written, CAPTIONS),
            "recaption_problem": pa.array(
                [row.answer if isinstance(row.answer, str) else "none" for row in rows],
                pa.string(),
            ),
            f"{LOOKED}writer": pa.array(looked, pa.bool_()),
            f"{LOOKED}fit": pa.array([row.fit is not None for row in rows], pa.bool_()),
        }
    )


def decision_of(rows: list[Image], pipeline: Pipeline) -> Decision:
    """The images are stopped by a rule on their size, which comes before those on captions."""
    ordered, place = [], {-1: -1, STAGES: -1}
    for number, stage in enumerate(pipeline.stages):
        place[number] = len(ordered)
        ordered.append(Check(number, "size", "min", 1.0))
        if stage.captions:
            ordered.append(Check(number, rules.CAPTIONS, "min", 1.0))
    judgement = rules.Judgement(
        np.array([row.verdict for row in rows], np.int8),
        np.array([max(row.stops, 0) for row in rows], np.int16),
        np.array([place[row.stops] for row in rows], np.int16),
    )
    readable = np.array([row.stops >= 0 for row in rows], np.bool_)
    stops = rules.Stops(judgement.check, ~readable)
    reading = Reading(readable, pa.chunked_array([pa.array([], pa.string())]), stops, stops, {},
                      (), None)  # fmt: skip
    unlooked = np.zeros(len(rows), np.bool_)
    return Decision(reading, tuple(ordered), judgement, pa.table({}), {}, unlooked)


def told(rows: list[Image], pipeline: Pipeline) -> tuple[list[list[dict[str, str]]], CaptionCounts]:
    table, ends = table_of(rows), CaptionEnds(pipeline, CHOSEN)
    depths = caption_rules.depths(table, pipeline, texts=True)
    made = ends.of_unit(table, depths, decision_of(rows, pipeline))
    counts = CaptionCounts()
    counts.count(ends.total(table), made)
    return caption_ends.lists(made, len(rows)).to_pylist(), counts


def expected(row: Image, splits: frozenset[str]) -> list[tuple[str, str, str | None]]:
    """Split, verdict and, where it is kept or dropped alone, stage of each caption of an image."""
    stop = row.stops
    every = []
    for number, length in enumerate(row.raw):
        fit = 9.0 if row.fit is None else row.fit[number]
        every.append(("raw", [length, fit] if "raw" in splits else [], row.fit is not None))
    recaption: list[Any] = [[1.0]] * len(row.recaption)
    is_written = isinstance(row.answer, tuple) and not row.recaption
    if is_written:
        recaption = [[*row.answer]]
    elif row.recaption and row.answer is None:
        recaption = [[None]] * len(row.recaption)
    of_recaption = [("recaption", of if "recaption" in splits else [], row.answer is not None)
                    for of in recaption]  # fmt: skip
    every += of_recaption
    ends = [_end(row, stop, *of) for of in every]
    if isinstance(row.answer, str) and not row.recaption:
        ends.append(("recaption", "quarantined", None))
    fused = [("fused", [], True)] * row.fused
    if not row.fused and is_written:
        fused = [("fused", *of_recaption[0][1:])]
    return ends + [_end(row, stop, *of) for of in fused]


def _end(row: Image, stop: int, split: str, values: list[Any], looked: bool) -> tuple[Any, ...]:
    """By the definition, value by value: a rule of stage n asks for n + 1 at least."""
    for stage in range(STAGES):
        if stop <= stage:
            break
        for value in values:
            if value is None:
                if stage > KEEP:
                    return _with_image(row, split, stage)
                lost = looked or row.verdict != DROPPED
                return (split, "quarantined", f"s{stage}") if lost else (split, "dropped", "image")
            if value < stage + 1:
                if stage > KEEP:
                    return _with_image(row, split, stage)
                return split, "dropped", f"s{stage}"
    return _with_image(row, split, min(stop, STAGES))


def _with_image(row: Image, split: str, depth: int) -> tuple[Any, ...]:
    return (split, "kept", f"s{depth - 1}") if row.verdict == KEPT else (split, "dropped", "image")


BOTH = frozenset(["raw", "recaption"])
SETS = st.sampled_from([BOTH, BOTH, frozenset(["raw"]), frozenset()])


@settings(deadline=None, max_examples=80)
@given(st.lists(images(), min_size=4, max_size=8), SETS)
def test_every_caption_has_the_end_of_the_definition(
    rows: list[Image], splits: frozenset[str]
) -> None:
    unlooked = [row for row in rows if row.fit is None and "raw" in splits and row.raw]
    rows = [row for row in rows if row not in unlooked]
    made, counts = told(rows, ruled(splits))
    shown = [
        [
            (of["split"], of["verdict"],
             "image" if (of["reason"] or "").startswith("image") else of["stage"])
            for of in row
        ]
        for row in made
    ]  # fmt: skip
    assert shown == [expected(row, splits) for row in rows]
    assert counts.problems() == []
    total = Counter(of["split"] for row in made for of in row)
    assert counts.total == {split: total[split] for split in SPLITS}


@settings(deadline=None, max_examples=30)
@given(st.lists(images(), max_size=8), SETS, st.randoms(use_true_random=False))
def test_counts_add_up_in_any_order_and_come_back(
    rows: list[Image], splits: frozenset[str], random: Any
) -> None:
    pipeline = ruled(splits)
    _, wanted = told(rows, pipeline)
    assert wanted.problems() == []
    random.shuffle(rows)
    total = Counts()
    for row in rows:
        total.add(Counts(caption_ends=told([row], pipeline)[1]))
    stages = [stage.name for stage in pipeline.stages]
    again = Counts.from_bytes(total.to_bytes()).caption_ends
    assert again.as_json(stages) == wanted.as_json(stages)
    for of in again.as_json(stages).values():
        assert of["in"] == sum(of[verdict] for verdict in VERDICTS)
        assert of["kept"] == sum(of["stages"].values())
        assert of["quarantined"] == sum(of["quarantine"].values())


def test_what_rules_stop_is_counted_at_their_stage_before_and_after_keep() -> None:
    kept = Image([1.0, 2.0, 3.0, 4.0], [3.0] * 4, [], 0, "looping", STAGES, KEPT)
    fallen = Image([3.0, 1.0], [3.0, 3.0], [], 0, None, KEEP, DROPPED)
    pipeline = ruled(frozenset(["raw"]))
    _, counts = told([kept, fallen], pipeline)
    of = counts.as_json([stage.name for stage in pipeline.stages])
    assert of["raw"] == {
        "in": 6,
        "kept": 3,
        "dropped": 3,
        "quarantined": 0,
        "stages": {"s1": 1, "s2": 2},
        "rules": {"s1": {"caption_raw.length.min": 1}, "s2": {"caption_raw.length.min": 1}},
        "with_image": {"dropped": {"s1": {"size.min": 2}}, "quarantined": {}},
        "quarantine": {},
    }
    assert of["recaption"]["quarantine"] == {"looping": 1}


def test_a_caption_too_few_or_one_counted_twice_fails_the_run() -> None:
    image = Image([4.0, 1.0], [3.0, 3.0], [], 0, ("looping"), STAGES, KEPT)
    _, counts = told([image], ruled(frozenset(["raw"])))
    kept = ("raw", "kept", f"s{STAGES - 1}", None, None)
    assert counts.ends[kept] == 1
    for number in (0, 2):
        counts.ends[kept] = number
        whole = Counts(caption_ends=counts)
        said = f"2 raw captions, but {number} kept \\+ 1 dropped \\+ 0 quarantined = {number + 1}"
        with pytest.raises(LedgerError, match=said):
            whole.check(0)
