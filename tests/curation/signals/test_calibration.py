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
    ("blurry", "blurred", 6),
    ("blurry (motion)", "motion_blurred", 6),
    ("blurry (upscaled)", "enlarged", 6),
    ("noisy", "noise", 6),
    ("pure noise; maximal entropy", "noise", 1),
    ("too dark", "peak", 6),
    ("over-exposed", "overexposed", 5),
    ("over-saturated", "oversaturated", 5),
    ("low contrast; low entropy", "luma_range", 6),
    ("low entropy (posterised)", "posterised", 1),  # decoding halves them, which mixes levels
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
    of_pairs: set[str] = set()
    for entry in discovery.discover():
        if entry.tier == "pair":
            of_pairs.update(entry.columns)
        elif entry.tier != "model":
            seen = {"file": decoded.header, "pixel": decoded, "derived": values}
            values |= entry.function(seen[entry.tier])
    return frozenset(
        column
        for column, bound in bounds.items()
        if column not in of_pairs
        and (
            (bound.min is not None and values[column] < bound.min)
            or (bound.max is not None and values[column] > bound.max)
        )
    )


@pytest.mark.parametrize(("expected", "column", "at_least"), CAUGHT)
def test_degraded_pictures_are_caught(expected: str, column: str, at_least: int) -> None:
    files = [line["file"] for line in _lines("quality-degraded") if line["expected"] == expected]
    assert sum(column in _broken(name) for name in files) >= at_least


def test_documents_pass() -> None:
    """Five may go: a black frame, one upside down by its EXIF, one enlarged, two blown out."""
    lost = {line["file"]: _broken(line["file"]) for line in _lines("text-rich")}
    lost = {name: broken for name, broken in lost.items() if broken}
    assert len(lost) <= 5, lost
    assert sum("overexposed" in broken for broken in lost.values()) <= 2, lost


@pytest.mark.parametrize("kind", ["photo", "quality-clean"])
def test_photographs_pass(kind: str) -> None:
    files = [line["file"] for line in _lines(kind)][::3]
    lost = [name for name in files if _broken(name)]
    assert len(lost) <= 0.03 * len(files), lost
