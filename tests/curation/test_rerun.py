"""Running again tells the truth: what a shard holds follows from contents, never from sizes."""

import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from making.reruns import KINDS, captions, held, make, pictures, run, times
from making.runs import digests

from curation.writing.originals import InputChangedError


def test_what_is_edited_reaches_the_shards(tmp_path: Path) -> None:
    """Captions added, then edited at the same length; then pictures of the same size."""
    output = tmp_path / "out"
    run(make(tmp_path, None), output)
    assert captions(output) == dict.fromkeys(KINDS)
    for said in ("cat", "dog"):
        run(make(tmp_path, said), output)
        assert captions(output) == {key: [said] for key in KINDS}
    sources = make(tmp_path, "dog", edited=True)
    run(sources, output)
    images = {key[:2]: row["image"]["bytes"] for key, row in held(output).items()}
    assert images == {n: data for kind in KINDS for n, data in pictures(kind, edited=True).items()}
    run(sources, tmp_path / "fresh")
    assert digests(output) == digests(tmp_path / "fresh")


def test_what_is_touched_or_moved_is_read_and_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    output = tmp_path / "out"
    sources = make(tmp_path / "here", "cat")
    run(sources, output)
    before, written = digests(output), times(output, "signals", "shards")
    monkeypatch.setattr("curation.measuring.measure.measure", None)
    for path in [p for p in (tmp_path / "here").rglob("*") if p.is_file()]:
        os.utime(path)
    run(sources, output)
    assert digests(output) == before
    assert times(output, "signals", "shards").items() >= {
        (path, time) for path, time in written.items() if path.suffix == ".parquet"
    }
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    run([tmp_path / "there" / source.name for source in sources], output)
    assert digests(output, ("shards", "ledger")) == {
        name: told for name, told in before.items() if name.startswith(("shards", "ledger"))
    }
    tables = [pq.read_table(path) for path in (output / "signals").rglob("*.parquet")]
    uris = [uri for table in tables for uri in table.column("uri").to_pylist()]
    assert len(uris) == 9 and all(str(tmp_path / "there") in uri for uri in uris)


def test_a_change_that_no_stamp_tells_of_is_found_by_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a filesystem that does not tell when a file was changed."""
    monkeypatch.setattr("curation.storage.listing.times", lambda status: ())
    source, output = make(tmp_path, "cat")[:1], tmp_path / "out"
    run(source, output)
    written = times(output, ".")
    (source[0] / "f0.txt").write_text("dog")
    run(source, output)
    assert times(output, ".") == written
    run(source, output, verify=True)
    assert captions(output) == {"f": ["dog"]}


def test_what_changes_while_a_run_reads_it_is_seen_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from curation.graphs import writing

    source, output = make(tmp_path, "cat")[:1], tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_shards", lambda *_: (source[0] / "f0.txt").write_text("dog"))
        with pytest.raises(Exception, match=r"kept, but|manifest"):
            run(source, output)
    run(source, output)
    assert captions(output) == {"f": ["dog"]}


def test_a_caption_changed_between_measuring_and_writing_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from curation.graphs import writing

    source, output = make(tmp_path, "cat")[:1], tmp_path / "out"
    write = writing.write_shards

    def later(*given: Any) -> None:
        (source[0] / "f0.txt").write_text("dog")
        write(*given)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_shards", later)
        with pytest.raises(InputChangedError, match=r"f0\.jpg is not what was measured"):
            run(source, output)
    run(source, output)
    assert captions(output) == {"f": ["dog"]}
