"""Every shipped model: what it says of an image depends on that image alone."""

import importlib.util
from functools import cache
from typing import Any

import pytest
from making.collection import drawing, encoded

from curation.measuring.here import as_declared
from curation.picture import decoding
from curation.signals import discovery
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, MissingModelError, Signal, ready

SIGNALS = {entry.name: entry for entry in discovery.discover()}
MODELS = {name: entry for name, entry in SIGNALS.items() if entry.tier == "model"}
OWNER = {column: name for name, entry in SIGNALS.items() for column in entry.columns}
SIDES = (256, 300, 400, 520, 300)
IMAGES = [encoded(drawing(seed, side)) for seed, side in enumerate(SIDES)]
SAID = ["a drawing", "一只猫", ""]


@cache
def alone(name: str) -> tuple[dict[str, Any], ...]:
    """What a model says of each image by itself, as it is stored; or a cheap signal."""
    if name not in MODELS:
        return tuple(ready(SIGNALS[name])(decoding.decode(data)) for data in IMAGES)
    return tuple(stored(name, [row])[0] for row in rows(name))


def stored(name: str, of: list[Row]) -> list[dict[str, Any]]:
    return as_declared(MODELS[name], ready(MODELS[name])(of), len(of))


def rows(name: str) -> list[Row]:
    """The images as rows, with what the model reads of others."""
    read = {OWNER[column] for column in MODELS[name].reads if column != CAPTIONS}
    columns = [
        {column: value for of in read for column, value in alone(of)[place].items()}
        for place in range(len(IMAGES))
    ]
    for known in columns:
        known |= {f"inputs.{column}": [value] for column, value in known.items()}
    said = [{"caption_raw": SAID[: place % 4]} for place in range(len(IMAGES))]
    return [Row(str(place), data, said[place], columns[place]) for place, data in enumerate(IMAGES)]


@pytest.mark.parametrize("name", MODELS)
def test_a_value_does_not_depend_on_the_batch_or_its_order(name: str) -> None:
    try:
        together = stored(name, rows(name))
    except MissingModelError as error:
        pytest.skip(str(error))
    assert list(alone(name)) == together  # to the last bit
    assert stored(name, rows(name)[::-1]) == together[::-1]
    pairs = [values for start in (0, 2) for values in stored(name, rows(name)[start : start + 2])]
    assert pairs == together[:4]


def test_there_are_models_to_test() -> None:
    entries: list[Signal] = [*MODELS.values()]
    assert entries or importlib.util.find_spec("nudenet") is None
