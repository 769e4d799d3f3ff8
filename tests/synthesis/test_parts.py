"""The parts of a rendering: which of those that are there may stay."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from making.made_fonts import all_characters, make
from making.old_shards import write_version_1

from curation.failures.errors import UsageError
from synthesis import jobs, modes, parts
from synthesis.pool import Rendered


def test_a_part_of_an_older_schema_is_not_taken_for_finished(tmp_path: Path) -> None:
    make(tmp_path / "one.ttf", all_characters("en"))
    job = jobs.prepare("en", "pure", seed=1, fonts=str(tmp_path), size="96x96")
    sample, rejections = modes.render_until_kept(job, 0)
    part = tmp_path / "part-00000.parquet"
    written = parts.write(str(part), job, 0, 1, [Rendered(0, sample, rejections)])
    assert parts.read_finished(str(part), job, 0, 1) == written
    table = pq.read_table(part)
    record = json.loads(pq.read_metadata(part).metadata[b"synthesis"])
    del record["settings"]["schema"]  # as parts of the first version were written
    told = table.replace_schema_metadata({"synthesis": json.dumps(record)})
    write_version_1(part, told)
    with pytest.raises(UsageError, match="rendered with schema 1, now 3; choose another --out"):
        parts.read_finished(str(part), job, 0, 1)


def test_all_kinds_are_called_so_where_others_are_asked_for() -> None:
    with pytest.raises(UsageError, match=r"kinds all, now text\.add=1; "):
        parts._check_settings("a", {"kinds": ""}, {"schema": "1", "kinds": "text.add=1"})
