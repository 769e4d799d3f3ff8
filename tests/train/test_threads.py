"""How the threads of a step wait for each other."""

import pytest
from making.commands import invoke

from infer.__main__ import app as infer_app
from train import threads
from train.__main__ import app


@pytest.mark.parametrize(
    ("given", "spins"),
    [
        ({}, "1000"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "passive"}, None),
    ],
)
def test_waiting_threads_soon_sleep_unless_the_user_says_otherwise(given, spins):
    environment = dict(given)
    threads.settle(environment)
    assert environment.get("GOMP_SPINCOUNT") == spins
    assert given.items() <= environment.items()
    assert "OMP_PROC_BIND" not in environment  # every job would bind itself to core 0


def test_both_commands_settle_it(tmp_path, monkeypatch):
    settled = []
    monkeypatch.setattr(threads, "settle", lambda: settled.append(1))
    arguments = ["--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert invoke(app, arguments).exit_code == 2
    assert invoke(infer_app, ["x", "--checkpoint", str(tmp_path)]).exit_code == 2
    assert settled == [1, 1]
