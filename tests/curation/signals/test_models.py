"""Every shipped model: what it says of an image depends on that image alone."""

import importlib.util

import pytest
from making.collection import drawing, encoded

from curation.signals import discovery
from curation.signals.row import Row
from curation.signals.signal import MissingModelError, Signal, ready

MODELS = [entry for entry in discovery.discover() if entry.tier == "model"]
IMAGES = [encoded(drawing(seed, side)) for seed, side in enumerate((256, 300, 400, 520, 300))]


def rows() -> list[Row]:
    return [Row(str(number), data, {}, {}) for number, data in enumerate(IMAGES)]


@pytest.mark.parametrize("entry", MODELS, ids=lambda entry: entry.name)
def test_a_value_does_not_depend_on_the_batch_or_its_order(entry: Signal) -> None:
    try:
        measure = ready(entry)
    except MissingModelError as error:
        pytest.skip(str(error))
    together = [dict(values) for values in measure(rows())]
    assert [dict(measure([row])[0]) for row in rows()] == together  # to the last bit
    assert [dict(values) for values in measure(rows()[::-1])] == together[::-1]
    pairs = [dict(values) for start in (0, 2) for values in measure(rows()[start : start + 2])]
    assert pairs == together[:4]


def test_there_are_models_to_test() -> None:
    assert MODELS or importlib.util.find_spec("nudenet") is None
