"""Models: who looks at what, what failing costs, and files that go on holding what was seen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from making.collection import drawing, encoded
from making.measured_units import UNIT, MeasuredUnit
from making.pipelines import pipeline_of

from curation.configuration.loading import Bound, Pipeline, Quota, Stage
from curation.groupings.duplicates import representatives
from curation.groupings.duplicates.grouping import Duplicates
from curation.groupings.duplicates.representatives import Winners
from curation.judging import recording, rules
from curation.judging.decision import Decision
from curation.judging.verdicts import Judge
from curation.measuring import models
from curation.measuring.chosen import Chosen
from curation.measuring.pending import Pending
from curation.output import column_files
from curation.output.layout import Layout
from curation.output.measured import LOOKED
from curation.signals.phash import phash
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Measure, Settings, Signal, signal
from curation.sources.sample import Caption, Sample


def sample(key: str, data: bytes | None, caption: str = "") -> Sample:
    captions = (Caption(caption),) if caption else None
    error = None if data else "missing"
    return Sample(f"u/{key}", key, data, error, path=key, caption_raw=captions)


def samples(*sides: int) -> list[Sample]:
    return [sample(f"k{n}", encoded(drawing(n, side))) for n, side in enumerate(sides)]


def model(name: str, measure: Measure, **more: Any) -> Signal:
    """A model signal of one column, named as it is."""
    columns = {name: Column(pa.float32(), "1", "of a test")}
    more = {"version": 1, **more}
    return Signal(name, "model", columns=columns, function=lambda: measure, **more)


def widths(name: str) -> Measure:
    """The images' widths, to see which row got which value."""
    return lambda rows: [{name: float(row.picture(2000).rgb.shape[1])} for row in rows]


def nothing(rows: Sequence[Row]) -> list[Mapping[str, Any]]:
    """Looks, and finds nothing to measure."""
    return [{"face": None} for _ in rows]


score, face = model("score", widths("score")), model("face", nothing)


def test_a_null_after_a_look_is_told_from_no_look(tmp_path: Path) -> None:
    unit = MeasuredUnit(tmp_path, samples(300, 300), [face])
    assert unit.column(LOOKED + "face") == [False, False]
    gone = [unit.samples[0], sample("k1", None)]  # one cannot be read any more
    unit.look([face], [0, 1], lambda uris: gone)
    assert unit.column("face") == [None, None]
    assert unit.column(LOOKED + "face") == [True, True]


def pipeline(*quotas: Quota, **bounds: Bound) -> Pipeline:
    stage = Stage(name="s1", resolution=256, bounds=bounds)
    return pipeline_of(stage, quality=("face",), quotas=quotas)


def decided(
    root: Path, asked: Pipeline, signals: Sequence[Signal]
) -> tuple[Judge, Decision, Pending]:
    """The decision over ``UNIT``, none of whose rows is a duplicate, and what waits for models."""
    order = tuple((*stage.bounds, *(c for q in asked.quotas for c in q.columns))
                  for stage in asked.stages)  # fmt: skip
    limited = {q.name: q.columns for q in asked.quotas}
    chosen = Chosen(tuple(signals), {}, order, limited, groupings=(Duplicates(4, asked.quality),))
    judge = Judge(str(root), asked, chosen)
    nobody = representatives.row_schema(asked.quality).empty_table()
    winners = Winners((nobody, nobody, nobody))
    decision = judge.decide(UNIT, winners)
    return judge, decision, judge.pending(UNIT, decision, winners)


def test_not_looked_at_yet_and_seen_nothing_are_judged_apart(tmp_path: Path) -> None:
    unit = MeasuredUnit(tmp_path, samples(300, 300), [face, phash])
    unit.look([face], [0])
    asked, layout = pipeline(face=Bound(min=0.5)), Layout(str(tmp_path))
    judge, decision, pending = decided(tmp_path, asked, (face, phash))
    counts = recording.record(judge, UNIT, decision)
    assert counts.quarantine == {"unmeasurable": 1, "unmeasured": 1}
    reasons = column_files.read(layout.ledger(UNIT)).column("reason").to_pylist()
    assert reasons == ["unmeasurable: face is null", "unmeasured: face is null"]
    assert pending == {"face": [1]}


@pytest.mark.parametrize(
    ("budget", "waits", "unmeasurable"),
    [
        ({"by": "style", "count": 1}, {"style": [1]}, []),  # no category: free
        ({"by": "synthetic", "count": 1, "order": "face"}, {"face": [1]}, [0]),
        ({"by": "synthetic", "share": {"true": 0.5}, "order": "face"}, {}, []),  # limits none
    ],
)
def test_quotas_wait_for_the_models_they_read(
    budget: dict[str, Any], waits: Pending, unmeasurable: list[int], tmp_path: Path
) -> None:
    columns = {"style": Column(pa.string(), "a word", "of a test")}
    look = {"style": None}
    style = Signal("style", "model", 1, columns, lambda: lambda rows: [look for _ in rows])
    unit = MeasuredUnit(tmp_path, samples(300, 300), [face, style, phash])
    unit.look([face, style], [0])
    asked = pipeline(Quota(name="q", since="s1", **budget))
    _, decision, pending = decided(tmp_path, asked, (face, style, phash))
    assert pending == waits
    quarantined = np.flatnonzero(decision.judgement.verdict == rules.QUARANTINED).tolist()
    assert quarantined == sorted([*unmeasurable, *(row for of in waits.values() for row in of)])


def test_models_see_only_the_wanted_rows_and_values_go_to_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "BATCH_SIZE", 2)
    unit = MeasuredUnit(tmp_path, samples(300, 310, 320, 330), [score])
    unit.look([score], [0, 1, 3])
    assert unit.column("score") == [300, 310, None, 330]
    unit.look([score], [2])
    assert unit.column("score") == [300, 310, 320, 330]


class StrangerError(Exception):
    """As the libraries beneath models raise them: of no family that we know."""


def is_odd(row: Row) -> bool:
    return row.picture(2000).rgb.shape[1] == 310


def choosy(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Fails on the whole batch if one is 310 pixels wide."""
    if any(map(is_odd, rows)):
        raise StrangerError("no such shape")
    return [{"choosy": 1.0} for _ in rows]


FAILING = {
    "choosy": (choosy, "choosy: StrangerError: no such shape"),
    "short": (
        lambda rows: [{"short": 1.0} for row in rows if not is_odd(row)],
        "short: ValueError: 0 results for 1 rows",
    ),
    "nameless": (
        lambda rows: [{"other" if is_odd(row) else "nameless": 1.0} for row in rows],
        "nameless: KeyError",
    ),
    "wordy": (
        lambda rows: [{"wordy": "cannot say" if is_odd(row) else 1.0} for row in rows],
        "wordy: ArrowInvalid",
    ),
    "countless": (
        lambda rows: [{"countless": float("nan") if is_odd(row) else 1.0} for row in rows],
        "countless: ValueError: countless is not a finite number",
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_model_that_fails_on_a_row_quarantines_it_alone(name: str, tmp_path: Path) -> None:
    measure, detail = FAILING[name]
    failing = model(name, measure)
    unit = MeasuredUnit(tmp_path, samples(300, 310, 320), [failing, score])
    unit.look([failing, score], [0, 1, 2])
    assert unit.column("reason") == [None, "unmeasurable", None]
    assert str(unit.column("detail")[1]).startswith(detail)
    assert [value is None for value in unit.column(name)] == [False, True, False]
    assert unit.column("score") == [300, 310, 320]


def test_numbers_of_a_list_are_finite_too(tmp_path: Path) -> None:
    columns = {"vector": Column(pa.list_(pa.float32()), "1", "of a test")}
    endless = [{"vector": np.array([1.0, np.inf], np.float32)}]
    entry = Signal("vector", "model", 1, columns, lambda: lambda rows: endless * len(rows))
    unit = MeasuredUnit(tmp_path, samples(300), [entry])
    unit.look([entry], [0])
    assert unit.column("detail") == ["vector: ValueError: vector is not a finite number"]


def test_what_does_not_lie_in_a_row_ends_the_run(tmp_path: Path) -> None:
    def unreachable(rows: Sequence[Row]) -> list[dict[str, Any]]:
        raise ConnectionError("the endpoint does not answer")

    entry = model("unreachable", unreachable)
    unit = MeasuredUnit(tmp_path, samples(300), [entry])
    with pytest.raises(ConnectionError):
        unit.look([entry], [0])


def test_columns_follow_their_images_when_rows_change(tmp_path: Path) -> None:
    """Another row came first: the base file was written anew, the model's was not."""
    before = samples(300, 310)
    MeasuredUnit(tmp_path, before, [score]).look([score], [0, 1])
    fresh = sample("a", encoded(drawing(7, 500)))
    unit = MeasuredUnit(tmp_path, [fresh, *before], [score])
    assert unit.column("score") == [None, 300, 310]
    unit.look([score], [0])
    assert unit.column("score") == [500, 300, 310]


def test_what_reads_captions_is_asked_again_when_they_change(tmp_path: Path) -> None:
    def lengths(rows: Sequence[Row]) -> list[dict[str, float]]:
        return [{"words": float(len(row.captions["caption_raw"][0]))} for row in rows]

    words = model("words", lengths, reads=(CAPTIONS,))
    data = encoded(drawing(1))
    unit = MeasuredUnit(tmp_path, [sample("k", data, "cat")], [words, score])
    unit.look([words, score], [0])
    assert unit.column("words") == [3.0]
    unit = MeasuredUnit(tmp_path, [sample("k", data, "horse")], [words, score])
    assert unit.column("words") == [None]
    assert unit.column("score") == [288.0]


def test_what_reads_a_column_that_is_of_captions_is_of_captions_too(tmp_path: Path) -> None:
    words = model("words", nothing, reads=(CAPTIONS,))
    entries = (score, words, model("twice", nothing, reads=("words",)))
    models_of = Chosen(entries, {}, ()).measured(Layout(str(tmp_path))).models
    assert {name: of.captions for name, of in models_of.items()} == {
        "score": False,
        "words": True,
        "twice": True,
    }


def test_a_model_reads_columns_of_others(tmp_path: Path) -> None:
    twice = model(
        "twice",
        lambda rows: [{"twice": 2 * row.columns["score"]} for row in rows],
        reads=("score",),
    )
    chosen = Chosen((score, twice), {}, (("twice",),))
    assert chosen.models == {"score": (0, 0), "twice": (0, 1)}


def test_the_cheaper_look_first_and_each_stage_has_its_waves() -> None:
    dear = model("dear", nothing, cost="heavy")
    later = model("later", nothing)
    chosen = Chosen((dear, later, score, face), {}, (("score", "dear", "face"), ("later",)))
    assert chosen.models == {"score": (0, 0), "face": (0, 0), "dear": (0, 2), "later": (1, 0)}


def digests(chosen: Chosen) -> dict[str, str]:
    measured = chosen.measured(Layout("/nowhere"))
    return {"base": measured.base} | {name: of.folder for name, of in measured.models.items()}


def test_files_are_named_by_what_their_columns_depend_on() -> None:
    class Own(Settings):
        side: int = 1

    @signal(tier="pixel", version=1, columns={"grey": Column(pa.float32(), "1", "of a test")})
    def grey(picture: Any) -> dict[str, float]:
        return {"grey": 0.0}

    reads = model("reads", nothing, reads=("score",), settings=Own)
    known = digests(Chosen((phash, score, reads), {}, ()))
    another_model = digests(Chosen((phash, score, reads, face), {}, ()))
    assert {name: another_model[name] for name in known} == known
    another_pixel = digests(Chosen((phash, grey, score, reads), {}, ()))
    changed = {name for name in known if another_pixel[name] != known[name]}
    assert changed == {"base"}
    newer = digests(Chosen((phash, model("score", nothing, version=2), reads), {}, ()))
    assert {name for name in known if newer[name] != known[name]} == {"score", "reads"}
    set_otherwise = digests(Chosen((phash, score, reads), {"reads": Own(side=2)}, ()))
    assert {name for name in known if set_otherwise[name] != known[name]} == {"reads"}


def test_a_row_shows_the_same_pixels_whoever_looked_before() -> None:
    data = encoded(drawing(3, 2000))
    alone = Row("", data, {}, {}).picture(300).rgb
    row = Row("", data, {}, {})
    large = row.picture(2000)
    assert (row.picture(300).rgb == alone).all()
    assert row.picture(1500) is large
    assert alone.shape[0] == 500
