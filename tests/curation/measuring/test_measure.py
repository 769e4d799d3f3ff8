"""Measuring: one row per sample whatever happens, in an order that does not depend on the input."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from making.collection import drawing, encoded

from curation.measuring import measure
from curation.signals.signal import Column, signal
from curation.sources.sample import Sample, SourceImage


def sample(key: str, data: bytes | None) -> Sample:
    return Sample(uri=f"u/{key}", key=key, data=data, error=None if data else "missing", path=key)


@signal(tier="pixel", version=1, columns={"brightness": Column(pa.float32(), "0 to 1", "mean")})
def brightness(picture):  # type: ignore[no-untyped-def]
    """Divides by zero on black."""
    mean = float(picture.grey.mean()) / 255
    return {"brightness": mean * mean / mean}


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


def test_why_an_input_could_not_be_measured_is_remembered_by_the_name_it_has_now() -> None:
    from PIL import Image

    good, black = encoded(drawing(1)), encoded(Image.new("RGB", (300, 300)))

    def pair(name: str, data: bytes) -> Sample:
        return replace(sample("a", good), inputs=(SourceImage(data, name),))

    def measured(given: Sample, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return measure.measure([given], [brightness], known=lambda content: before).to_pylist()[0]

    failed, broken = pair("a.input.png", black), pair("a.input.png", good[: len(good) // 2])
    for given, reason in ((failed, "unmeasurable"), (broken, "truncated")):
        row = measured(given)
        assert row["reason"] == reason
        before = {"reason": reason, "detail": f"{row['detail']} (as before)", "brightness": None}
        assert measured(given, before)["detail"] == before["detail"]
    renamed = measured(pair("b.input.png", broken.inputs[0].data), before)
    assert renamed["detail"].startswith("input 1 (b.input.png): ")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_rows_do_not_depend_on_the_order_of_input(order: tuple[int, ...]) -> None:
    samples = [sample(f"k{n}", encoded(drawing(n))) for n in range(3)]
    first = measure.measure(samples, [brightness])
    assert measure.measure([samples[place] for place in order], [brightness]).equals(first)
