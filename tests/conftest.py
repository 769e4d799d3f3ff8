"""What all tests share: no clock in properties, the same examples every time, nothing from a hub,
the same faces everywhere.

``pytest --hypothesis-profile searching`` looks at other examples, as ``make drills`` does.
"""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from making import installed_fonts

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
settings.register_profile("unhurried", deadline=None, derandomize=True)
settings.register_profile("searching", deadline=None)
settings.load_profile("unhurried")
_FACES = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Before parallel workers start, which inherit what is shown and which signals are heard.

    Whoever starts the tests in the background has them ignore signals that some of them send.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="test-faces-"))
        config.stash[_FACES] = folder
        installed_fonts.show_only_these(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: workers that run side by side are given files in this order, and
    a long one at the end would be waited for.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _FACES in config.stash:
        shutil.rmtree(config.stash[_FACES])


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A little training run: the folder of its shards, the glob of them, and its configuration."""
    from making import training_runs  # heavy

    prepared = training_runs.prepared(tmp_path_factory.mktemp("data"))
    with training_runs.left_as_it_is(prepared[0]):
        yield prepared


@pytest.fixture(scope="session")
def undisturbed(tiny, tmp_path_factory):
    """The output of that run, trained once in a process of tests, and how its command ended."""
    from making import training_runs

    out = tmp_path_factory.mktemp("undisturbed") / "out"
    ended = training_runs.train(tiny, out, "--json")
    with training_runs.left_as_it_is(out):
        yield out, ended
