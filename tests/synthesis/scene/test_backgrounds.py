"""The user's own pictures behind the media: files and shards, good ones and bad ones."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from curation.failures.errors import UsageError
from synthesis import jobs, modes
from synthesis.job import Job
from synthesis.sample import Rejected, Sample
from synthesis.scene import backgrounds

MAGENTA = (200, 30, 200)
COUNT = 12


def picture(rgb: tuple[int, int, int], size: tuple[int, int] = (90, 70)) -> bytes:
    stream = BytesIO()
    Image.new("RGB", size, rgb).save(stream, "PNG")
    return stream.getvalue()


def job_before(path: Path) -> Job:
    return jobs.prepare("en", "scene", seed=2, size="320x320", backgrounds=str(path))


def samples(job: Job) -> list[Sample]:
    drawn = [modes.render_until_kept(job, index)[0] for index in range(COUNT)]
    return [one for one in drawn if one]


def share_of(sample: Sample) -> float:
    """The share of pixels that are magenta, more or less lit."""
    red, green, blue = np.asarray(Image.open(BytesIO(sample.image))).astype(int).transpose(2, 0, 1)
    return float(((red > 2 * green + 20) & (blue > 2 * green + 20)).mean())


def test_pictures_of_the_user_are_behind_the_media(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(picture(MAGENTA))
    shares = [share_of(one) for one in samples(job_before(tmp_path))]
    assert sum(share > 0.03 for share in shares) > COUNT / 2
    assert max(share_of(one) for one in samples(replace(job_before(tmp_path), backgrounds=()))) == 0


def test_shards_of_curated_pictures_do_too(tmp_path: Path) -> None:
    rows = [{"image": {"bytes": picture(MAGENTA), "path": None}} for _ in range(5)]
    path = tmp_path / "part-00000.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    job = job_before(tmp_path)
    assert job.backgrounds == (str(path),)
    shares = [share_of(one) for one in samples(job)]
    assert sum(share > 0.03 for share in shares) > COUNT / 2


def test_the_captions_do_not_say_what_the_user_alone_knows(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(picture(MAGENTA))
    for one in samples(job_before(tmp_path)):
        assert "desk" not in one.caption and "street at night" not in one.caption


def test_a_bad_picture_rejects_the_sample_and_a_bomb_is_not_decoded(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(picture(MAGENTA)[:60])
    results = [modes.render(job_before(tmp_path), index) for index in range(6)]
    reasons = {one.reason for one in results if isinstance(one, Rejected)}
    assert "bad_background" in reasons
    assert not any(isinstance(one, Sample) for one in results)


def test_a_table_without_pictures_is_the_users_mistake(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"text": ["a"]}), path)
    with pytest.raises(UsageError, match="no column `image`"):
        samples(job_before(tmp_path))
    path.write_bytes(b"not a table")
    backgrounds._rows.cache_clear()
    with pytest.raises(UsageError, match="not a Parquet file"):
        samples(job_before(tmp_path))


def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number:02}.png").write_bytes(picture((number, 0, 0)))
    job = job_before(tmp_path)
    for index in range(40):
        modes.render(job, index)
    assert backgrounds._decoded.cache_info().currsize <= backgrounds._KEPT


def test_another_process_draws_the_same_bytes() -> None:
    code = (
        "import hashlib; from synthesis import jobs, modes;"
        "job = jobs.prepare('en', 'scene', seed=7, size='256x256');"
        "print(hashlib.sha256(repr([modes.render(job, k) for k in {}]).encode()).hexdigest())"
    )
    command = [sys.executable, "-c", code.format("(2, 0, 1)")]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    job = jobs.prepare("en", "scene", seed=7, size="256x256")
    here = [modes.render(job, index) for index in (2, 0, 1)]
    assert told == hashlib.sha256(repr(here).encode()).hexdigest()
