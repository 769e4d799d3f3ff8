"""How fast a run says that it is: training alone counts, not what is done between steps."""

import re
from types import SimpleNamespace

from making.training_runs import train

from train import loop


def test_saving_and_judging_do_not_count(tiny, tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(
        loop, "time", SimpleNamespace(monotonic=lambda: now[0], process_time=lambda: now[0])
    )

    def taking(seconds, function):
        def call(*given, **named):
            now[0] += seconds
            return function(*given, **named)

        return call

    monkeypatch.setattr(loop, "train_step", taking(1.0, loop.train_step))
    for name in ("_save", "_evaluate"):
        monkeypatch.setattr(loop.Loop, name, taking(60.0, getattr(loop.Loop, name)))
    lines = train(tiny, tmp_path / "out").stderr.splitlines()
    rates = [re.search(r" (\d+) images/s", line) for line in lines]
    assert {rate[1] for rate in rates if rate} == {"16"}  # a batch a second
