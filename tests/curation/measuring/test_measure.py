"""Measuring: one row per sample whatever happens, in an order that does not depend on the input."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from making.collection import drawing, encoded

from curation.configuration.loading import Bound, NearDuplicate, Pipeline, Stage
from curation.groupings.duplicates import representatives
from curation.groupings.duplicates.representatives import Winners
from curation.judging import verdicts
from curation.measuring import measure
from curation.output import column_files
from curation.output.layout import Layout
from curation.signals.phash import phash
from curation.signals.signal import Column, signal
from curation.sources.sample import Sample


def sample(key: str, data: bytes | None) -> Sample:
    return Sample(uri=f"u/{key}", key=key, data=data, error=None if data else "missing", path=key)


@signal(tier="pixel", version=1, columns={"brightness": Column(pa.float32(), "0 to 1", "mean")})
def brightness(picture):  # type: ignore[no-untyped-def]
    """Divides by zero on black."""
    mean = float(picture.grey.mean()) / 255
    return {"brightness": mean * mean / mean}


@signal(tier="model", version=1, columns={"score": Column(pa.float32(), "1", "of the batch")})
def score(pictures):  # type: ignore[no-untyped-def]
    """The pictures' widths, to see which picture got which value."""
    return [{"score": float(picture.rgb.shape[1])} for picture in pictures]


def test_a_signal_that_fails_quarantines_its_row_alone() -> None:
    from PIL import Image

    good, black = encoded(drawing(1)), encoded(Image.new("RGB", (300, 300)))
    table = measure.measure(
        [sample("b", black), sample("a", good), sample("c", None)], [brightness]
    )
    assert table.column("key").to_pylist() == ["a", "b", "c"]
    assert table.column("reason").to_pylist() == [None, "unmeasurable", "missing"]
    assert "brightness: ZeroDivisionError" in table.column("detail")[1].as_py()
    assert table.column("brightness").is_null().to_pylist() == [False, True, True]


@signal(tier="model", version=1, columns={"face": Column(pa.float32(), "1", "null: none found")})
def face(pictures):  # type: ignore[no-untyped-def]
    """Looks, and finds nothing to measure."""
    return [{"face": None} for _ in pictures]


def test_a_null_after_a_look_is_not_looked_at_again() -> None:
    samples = [sample(f"k{n}", encoded(drawing(n))) for n in range(2)]
    table = measure.measure(samples, [face])
    alive = np.ones(2, np.bool_)
    assert measure.pending(table, alive, [face]).tolist() == [True, True]
    gone = [samples[0], sample("k1", None)]  # one cannot be read any more
    filled = measure.fill_models(table, alive, [face], lambda uris: gone)
    assert filled.column("face").null_count == 2
    assert measure.pending(filled, alive, [face]).tolist() == [False, False]
    assert measure.pending(filled, alive, [face, score]).tolist() == [True, True]


def test_not_looked_at_yet_and_seen_nothing_are_told_apart(tmp_path: Path) -> None:
    stage = Stage(name="s1", resolution=256, bounds={"face": Bound(min=0.5)})
    pipeline = Pipeline(
        name="curate",
        seed=1,
        keep="s1",
        quarantine_limit=0.9,
        near_duplicate=NearDuplicate(radius=4),
        quality=("face",),
        signals=(),
        stages=(stage,),
    )
    samples = [sample(f"k{n}", encoded(drawing(n))) for n in range(2)]
    table = measure.measure(samples, [face, phash])
    filled = measure.fill_models(table, np.asarray([True, False]), [face], lambda uris: samples[:1])
    column_files.write(Layout(str(tmp_path)).signals("u"), filled)
    judge = verdicts.Judge(str(tmp_path), pipeline, [face, phash])
    nobody = representatives.row_schema(pipeline.quality).empty_table()
    counts = judge.record("u", judge.decide("u", Winners((nobody, nobody))))
    assert counts.quarantine == {"unmeasurable": 1, "unmeasured": 1}
    reasons = column_files.read(Layout(str(tmp_path)).ledger("u")).column("reason").to_pylist()
    assert reasons == ["unmeasurable: face is null", "unmeasured: face is null"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_rows_do_not_depend_on_the_order_of_input(order: tuple[int, ...]) -> None:
    samples = [sample(f"k{n}", encoded(drawing(n))) for n in range(3)]
    first = measure.measure(samples, [brightness])
    assert measure.measure([samples[place] for place in order], [brightness]).equals(first)


def test_models_see_only_the_wanted_rows_and_values_go_to_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measure, "BATCH_SIZE", 2)
    sides = [300, 310, 320, 330]
    samples = [sample(f"k{n}", encoded(drawing(n, side))) for n, side in enumerate(sides)]
    table = measure.measure(samples, [brightness, score])
    alive = pa.array([True, True, False, True]).to_numpy(zero_copy_only=False)
    wanted = measure.pending(table, alive, [score])
    filled = measure.fill_models(
        table, wanted, [score], lambda uris: [s for s in reversed(samples) if s.uri in uris]
    )
    assert filled.column("score").to_pylist() == [300, 310, None, 330]
    assert not measure.pending(filled, alive, [score]).any()


def model(function):  # type: ignore[no-untyped-def]
    """A model signal of one column, named as the function is."""
    columns = {function.__name__: Column(pa.float32(), "1", "of a test")}
    return signal(tier="model", version=1, columns=columns)(function)


class StrangerError(Exception):
    """As the libraries beneath models raise them: of no family that we know."""


@model
def choosy(pictures):  # type: ignore[no-untyped-def]
    """Fails on the whole batch if one is 310 pixels wide."""
    if any(picture.rgb.shape[1] == 310 for picture in pictures):
        raise StrangerError("no such shape")
    return [{"choosy": picture.rgb.shape[1]} for picture in pictures]


@model
def short(pictures):  # type: ignore[no-untyped-def]
    """Forgets the picture that is 310 pixels wide."""
    return [{"short": 1.0} for picture in pictures if picture.rgb.shape[1] != 310]


@model
def nameless(pictures):  # type: ignore[no-untyped-def]
    """Gives the picture that is 310 pixels wide another column."""
    widths = [picture.rgb.shape[1] for picture in pictures]
    return [{"other" if width == 310 else "nameless": 1.0} for width in widths]


@model
def wordy(pictures):  # type: ignore[no-untyped-def]
    """Answers in words for the picture that is 310 pixels wide."""
    widths = [picture.rgb.shape[1] for picture in pictures]
    return [{"wordy": "cannot say" if width == 310 else 1.0} for width in widths]


@pytest.mark.parametrize(
    ("failing", "detail"),
    [
        (choosy, "choosy: StrangerError: no such shape"),
        (short, "short: ValueError: 0 results for 1 pictures"),
        (nameless, "nameless: KeyError"),
        (wordy, "wordy: ArrowInvalid"),
    ],
)
def test_a_model_that_fails_on_a_picture_quarantines_its_row_alone(failing, detail) -> None:  # type: ignore[no-untyped-def]
    samples = [sample(f"k{n}", encoded(drawing(n, 300 + 10 * n))) for n in range(3)]
    models = [failing, score]
    table = measure.measure(samples, models)
    wanted = measure.pending(table, pa.array([True] * 3).to_numpy(zero_copy_only=False), models)
    filled = measure.fill_models(table, wanted, models, lambda uris: samples)
    assert filled.schema == table.schema
    assert filled.column("reason").to_pylist() == [None, "unmeasurable", None]
    assert filled.column("detail")[1].as_py().startswith(detail)
    assert filled.column(failing.name).is_null().to_pylist() == [False, True, False]
    assert filled.column("score").to_pylist() == [300, 310, 320]


def test_what_does_not_lie_in_a_picture_ends_the_run() -> None:
    @model
    def unreachable(pictures):  # type: ignore[no-untyped-def]
        raise ConnectionError("the endpoint does not answer")

    samples = [sample("k", encoded(drawing(1)))]
    table = measure.measure(samples, [unreachable])
    wanted = pa.array([True]).to_numpy(zero_copy_only=False)
    with pytest.raises(ConnectionError):
        measure.fill_models(table, wanted, [unreachable], lambda uris: samples)
