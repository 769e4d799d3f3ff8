"""Chains of edits: each begins with the very file the last one ended with."""

from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest
from making import edits

from synthesis import modes, parts
from synthesis.edits import chains, kinds
from synthesis.job import Job
from synthesis.pool import render_all
from synthesis.sample import Sample
from synthesis.unrenderable import UnrenderableError

MOST_SEEDS = 8


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return edits.job(tmp_path_factory.mktemp("fonts"), "en")


def rendered(job: Job, indices: range) -> list[Sample]:
    samples = [modes.render_until_kept(job, index)[0] for index in indices]
    return [sample for sample in samples if sample]


def first_link(job: Job) -> int:
    """The index of the first edit of the first chain."""
    (first,) = [index for index in range(chains.BLOCK) if str(chains.link(job, index)) == "step1"]
    return first


def test_each_link_begins_with_what_the_last_came_to(job: Job) -> None:
    first = first_link(job)
    made = rendered(job, range(first, chains.BLOCK))
    assert len(made) == chains.BLOCK - first >= chains.LENGTHS[0]
    for number, (before, after) in enumerate(pairwise(made), 2):
        assert before.edit
        assert after.edit
        assert after.edit.inputs == (before.image,)
        assert after.edit.boxes == (before.boxes,)
        assert after.edit.step == f"step{number}"


def test_a_link_is_the_same_alone(job: Job) -> None:
    last = chains.BLOCK - 1
    together = rendered(job, range(chains.BLOCK - 2, chains.BLOCK))[-1]
    chains._chain.cache_clear()
    assert rendered(job, range(last, chains.BLOCK)) == [together]


def test_a_run_that_ends_inside_a_chain_has_a_shorter_one(job: Job, tmp_path: Path) -> None:
    """Each step has its predecessor, and a larger run goes on to what it is from the beginning."""
    first, path = first_link(job), str(tmp_path / "part.parquet")
    for count in (first + 1, chains.BLOCK):
        assert parts.read_finished(path, job, first, count) is None
        parts.write(path, job, first, count, render_all(job, first, count, 1))
        rows = pq.read_table(path).to_pylist()
        steps = [f"step{number}" for number in range(1, count - first + 1)]
        assert [row["key"].split("/")[5] for row in rows] == steps
        for before, after in pairwise(rows):
            assert after["inputs"][0]["bytes"] == before["image"]["bytes"]


def test_chains_are_of_the_kinds_asked_for_or_not_at_all(job: Job) -> None:
    only = replace(job, kinds=(("text.recolour", 1.0),))
    last = rendered(only, range(chains.BLOCK - 1, chains.BLOCK))[0]
    assert last.edit
    assert last.edit.operation == "text.recolour"
    lonely = replace(job, kinds=(("object.add", 1.0),))
    assert all(chains.link(lonely, index) is None for index in range(chains.BLOCK))


def test_scenes_are_changed_step_by_step() -> None:
    job = edits.prepared("en")
    for seed in range(MOST_SEEDS):
        with suppress(UnrenderableError):
            made = chains._edits(Random(seed), job, kinds.SCENES, chains.LENGTHS[1])
            break
    for before, after in pairwise(made):
        assert (after.source == before.target).all()
        assert after.before == before.after
        assert after.change.operation != before.change.operation
