"""What a later rule would have said is what judging says of the same value."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from curation.inspect import checks
from curation.judging import rules
from curation.report.outcome import Bound

NUMBER = st.floats(-1e6, 1e6, width=32) | st.integers(-5, 5).map(float)


@given(NUMBER, NUMBER, st.sampled_from(["min", "max"]), st.sampled_from([1.0, 256.0, 640.0]))
def test_a_number(value: float, bound: float, side: rules.Side, scale: float) -> None:
    ruled = Bound("s1", "luma", side, bound, scale)
    check = rules.Check(0, "luma", side, bound, scale)
    passes = bool(rules.numbers(check, np.array([value])).passed[0])
    assert checks._is_beyond(ruled, value) == (not passes)


KINDS = st.sampled_from(
    [
        (pa.string(), ["JPEG", "PNG", ""]),
        (pa.int32(), [0, 1, 2]),
        (pa.bool_(), [True, False]),
    ]
)


@given(KINDS, st.data())
def test_a_category(kind: tuple[pa.DataType, list[object]], data: st.DataObject) -> None:
    of, values = kind
    value = data.draw(st.sampled_from(values))
    among = tuple(data.draw(st.lists(st.sampled_from(values), min_size=1, unique=True)))
    check = rules.Check(0, "kind", "in", np.nan, among=among)
    passes = bool(rules.categories(check, pa.chunked_array([[value]], of)).passed[0])
    ruled = Bound("s1", "kind", "in", np.nan, among=among)
    assert checks._is_beyond(ruled, value) == (not passes)
