"""Units as a Beam job: the same bytes as a producer makes."""

from making import training_shards as shards
from making.produced import make_all, opened
from making.training_data import configuration

from train.producers import beam


def test_a_job_makes_all_units_and_leaves_what_is_there(tmp_path):
    pattern = shards.write_all(tmp_path / "data")
    made = opened(tmp_path / "a", pattern)
    make_all(made)
    root = tmp_path / "b"
    beam.run(configuration(held_out=0), pattern, root, range(1, 17), [])
    units = {path.name: path for path in (root / "units").iterdir()}
    expected = {path.name: path for path in (made.root / "units").iterdir()}
    assert units.keys() == expected.keys()
    assert all(units[name].read_bytes() == expected[name].read_bytes() for name in units)
    assert list((root / "leases").iterdir()) == []
    times = {name: path.stat().st_mtime_ns for name, path in units.items()}
    (first, *_) = made.workshop.plan.at(1).spans.at(1)
    wanted = (first.name, (first.first, first.last))
    settings = configuration(held_out=0).model_dump_json()
    assert beam.make(wanted, settings, pattern, str(root)) == first.name
    assert times == {name: path.stat().st_mtime_ns for name, path in units.items()}
