"""A finished run, and what the report collects of it."""

import pytest
from making import finished_run
from making.finished_run import FinishedRun

from curation.report.collect import Collected, collect


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    return finished_run.build(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def collected(finished: FinishedRun) -> Collected:
    return collect(finished.output)
