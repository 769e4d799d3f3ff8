"""Samples of a collection: uniform, the same for the same seed, of rows that are there."""

import tarfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from making import tables

from curation import sources
from curation.sources import Unit, plan, sampling
from curation.sources.sample import Part, from_json, to_json

ROWS = 60


def folder(root: Path) -> Path:
    root.mkdir()
    for number in range(ROWS):
        (root / f"{number:03}.jpg").write_bytes(b"%d" % number)
    return root


def tars(root: Path, count: int = 6) -> Path:
    root.mkdir()
    for number in range(count):
        with tarfile.open(root / f"{number}.tar", "w") as tar:
            for row in range(ROWS // count):
                for name, data in ((f"{row}.jpg", b"picture"), (f"{row}.txt", b"caption")):
                    info = tarfile.TarInfo(name)
                    info.size = len(data)
                    tar.addfile(info, BytesIO(data))
    (root / "broken.tar").write_bytes((root / "0.tar").read_bytes()[:2000])
    return root


def parquet(root: Path) -> Path:
    tables.write(root / "t.parquet", {"image": tables.pictures(ROWS)}, row_group_size=7)
    (root / "broken.parquet").write_bytes(b"PAR1")
    return root


INPUTS = pytest.mark.parametrize("make", [folder, tars, parquet])


def uris(units: list[Unit]) -> list[str]:
    return [sample.uri for unit in units for sample in sources.read(unit)]


@INPUTS
def test_a_sample_of_all_is_all(make: type, tmp_path: Path) -> None:
    units = plan.plan([str(make(tmp_path / "in"))], unit_rows=10)
    drawn = sampling.draw(units, 10_000, 1, 10)
    assert sorted(uris(drawn.units)) == sorted(uris(units))
    assert drawn.sampled == drawn.rows == len(uris(units))


@INPUTS
def test_a_sample_has_as_many_rows_of_the_input_as_asked_for(make: type, tmp_path: Path) -> None:
    units = plan.plan([str(make(tmp_path / "in"))], unit_rows=10)
    drawn = sampling.draw(units, 20, 1, 10)
    rows = uris(drawn.units)
    assert len(set(rows)) == len(rows) == drawn.sampled == 20
    assert set(rows) <= set(uris(units))
    again = sampling.draw(units[::-1], 20, 1, 10)
    assert sorted(uris(again.units)) == sorted(rows)
    assert sorted(uris(sampling.draw(units, 20, 2, 10).units)) != sorted(rows)


def test_a_sampled_unit_is_stored_and_read_back(tmp_path: Path) -> None:
    units = sampling.draw(plan.plan([str(tars(tmp_path / "in"))]), 20, 1, 10).units
    assert [from_json(to_json(unit)) for unit in units] == units


def test_layouts_are_drawn_in_proportion(tmp_path: Path) -> None:
    places = [str(folder(tmp_path / "files")), str(parquet(tmp_path / "table"))]
    (tmp_path / "table" / "broken.parquet").unlink()
    drawn = sampling.draw(plan.plan(places, unit_rows=10), 30, 1, 10)
    assert {of.layout: of.sampled for of in drawn.strata} == {"files": 15, "parquet": 15}


def test_every_file_is_as_likely_as_another() -> None:
    parts = tuple(Part(f"{number}.jpg", 1, f"{number}.jpg") for number in range(20))
    units, seeds = [Unit("0" * 16, "files", parts)], 400
    drawn = Counter(
        part.key
        for seed in range(seeds)
        for unit in sampling.draw(units, 5, seed, 10).units
        for part in unit.parts
    )
    # 100 times each; five standard errors of a binomial count to either side
    assert all(abs(count - seeds / 4) < 5 * (seeds * 3 / 16) ** 0.5 for count in drawn.values())
    assert len(drawn) == 20


def test_rows_of_tars_are_estimated_where_not_all_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "CONTAINERS", 3)
    monkeypatch.setattr(sampling, "POOL", 1)
    root = tars(tmp_path / "in")
    (root / "broken.tar").unlink()
    (stratum,) = sampling.draw(plan.plan([str(root)]), 20, 1, 10).strata
    assert (stratum.containers, stratum.chosen, stratum.pool) == (6, 3, 30)
    assert stratum.rows == pytest.approx(ROWS)
    assert not stratum.exact
