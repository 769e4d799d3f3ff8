"""The shipped bounds on the project's shared pictures: little good lost, the degraded caught."""

import csv
from functools import cache

import pytest
from making.places import SHARED

from curation.configuration import loading
from curation.picture import decoding
from curation.signals import discovery

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the shared pictures are not here"),
]
CAUGHT = [  # expected (manifest), the column that must catch it, at least how many
    ("blurry", "clarity", 6),
    ("blurry (motion)", "clarity", 6),
    ("blurry (upscaled)", "clarity", 6),
    ("noisy", "texture", 6),
    ("pure noise; maximal entropy", "texture", 1),
    ("too dark", "highlight", 6),
    ("over-exposed", "overexposure", 5),
    ("over-saturated", "saturation", 5),
    ("low contrast; low entropy", "entropy", 6),
    ("solid colour; zero entropy", "entropy", 4),
    ("gradient; no detail; grayscale", "entropy", 1),
]


def _lines(kind: str) -> list[dict[str, str]]:
    with (SHARED / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        return [line for line in csv.DictReader(stream) if line["kind"] == kind]


@cache
def _broken(name: str) -> frozenset[str]:
    """The S2 columns whose shipped bound the file breaks."""
    bounds = loading.load(str(loading.shipped_path())).stages[1].bounds
    decoded = decoding.decode((SHARED / name).read_bytes())
    values: dict[str, float] = {}
    for entry in discovery.discover():
        if entry.tier != "model":
            values |= entry.function(decoded.header if entry.tier == "file" else decoded)
    return frozenset(
        column
        for column, bound in bounds.items()
        if (bound.min is not None and values[column] < bound.min)
        or (bound.max is not None and values[column] > bound.max)
    )


@pytest.mark.parametrize(("expected", "column", "at_least"), CAUGHT)
def test_degraded_pictures_are_caught(expected: str, column: str, at_least: int) -> None:
    files = [line["file"] for line in _lines("quality-degraded") if line["expected"] == expected]
    assert sum(column in _broken(name) for name in files) >= at_least


def test_documents_pass() -> None:
    """Two may go: one is a black frame without text, one is upside down by its EXIF."""
    lost = {line["file"]: _broken(line["file"]) for line in _lines("text-rich")}
    lost = {name: broken for name, broken in lost.items() if broken}
    assert len(lost) <= 2, lost
    assert all(broken == {"rotation"} or "black" in name for name, broken in lost.items())


@pytest.mark.parametrize("kind", ["photo", "quality-clean"])
def test_photographs_pass(kind: str) -> None:
    files = [line["file"] for line in _lines(kind)][::3]
    lost = [name for name in files if _broken(name)]
    assert len(lost) <= 0.03 * len(files), lost
