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


def pytest_unconfigure(config: pytest.Config) -> None:
    if _FACES in config.stash:
        shutil.rmtree(config.stash[_FACES])
