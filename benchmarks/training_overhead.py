"""What a step of training costs outside of the model: data, averages, optimiser, logging.

Trains a network of middling size (9 M parameters) for a few steps as `python -m train` does, on
images of 128 px made here, 64 to a step, some 10,000 tokens, and says how the CPU time of the steps
is divided. The target: at most 5 % outside of the network's passes, once images were read (the
first epoch decodes them). What is outside grows with the weights, what is inside with the tokens
too: with fewer tokens to a step its share is larger.

    python -m benchmarks.training_overhead

Times are CPU time of the process, so that others on the machine do not change the shares much.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.training_data import write

LIMIT = 0.05
_ROWS, _BATCH = 64, 64
_SETTINGS: dict[str, Any] = {
    "preset": "overhead",
    "batch": _BATCH,
    "precision": "fp32",
    "log_every": 1,
    "data": {"resolution": 128, "held_out": 0.05},
    "model": {"name": "qwen_image", "layers": 4, "heads": 4, "head_width": 64},
    "evaluation": {"evaluators": (), "every": 10**6},
}
_ROPE = (16, 24, 24)


class Clock:
    """CPU seconds by name, each without those of what it calls that has a name, too."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside: list[float] = []

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted."""

        def call(*given: Any, **named: Any) -> Any:
            begin = time.process_time()
            self._inside.append(0.0)
            try:
                return function(*given, **named)
            finally:
                spent = time.process_time() - begin
                own = spent - self._inside.pop()
                self.seconds[name] = self.seconds.get(name, 0.0) + own
                if self._inside:
                    self._inside[-1] += spent

        return call


def measure(folder: Path, steps: int) -> tuple[dict[str, float], dict[str, float]]:
    """CPU seconds by name: of the steps of the first epoch, and of those after it."""
    import torch

    from train import ema, job, loop, noising, records, stepping
    from train.configuration import Configuration
    from train.optimisers import building

    model = _SETTINGS["model"] | {"rope_axes": _ROPE}
    given = _SETTINGS | {"model": model, "steps": steps, "checkpoint": {"every": steps}}
    clock, first = Clock(), Clock()
    build = building.build

    def timed_optimisers(*arguments: Any) -> Any:
        built = build(*arguments)
        for each in built:
            each.step = clock.timed("optimiser", each.step)  # type: ignore[method-assign]
        return built

    building.build = timed_optimisers
    noising.noised = clock.timed("data", noising.noised)
    stepping.backward = clock.timed("network", stepping.backward)
    torch.nn.utils.clip_grad_norm_ = clock.timed("clipping", torch.nn.utils.clip_grad_norm_)
    ema.Average.update = clock.timed("averages", ema.Average.update)  # type: ignore[method-assign]
    for name in ("step", "curves", "tell"):
        setattr(records.Records, name, clock.timed("logging", getattr(records.Records, name)))
    step_of = clock.timed("rest", stepping.train_step)

    def step(parts: Any, number: int) -> Any:
        if number == _ROWS // _BATCH + 1:
            first.seconds, clock.seconds = clock.seconds, {}
        return step_of(parts, number)

    loop.train_step = step
    request = job.Request(str(folder / "shards"), folder / "out")
    job.run(Configuration.model_validate(given), request, lambda _: None)
    return first.seconds, clock.seconds


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--steps", type=int, default=4)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "shards", _ROWS)
        tables = measure(Path(folder), steps)
    share = 0.0
    for title, seconds in zip(("first epoch", "later"), tables, strict=True):
        total = sum(seconds.values())
        print(f"{title}: {total:.1f} CPU-s")
        for name, spent in sorted(seconds.items(), key=lambda entry: -entry[1]):
            print(f"  {name:10} {100 * spent / total:6.2f} %")
        share = 1 - seconds["network"] / total
    print(f"outside of the network {100 * share:.2f} %, at most {100 * LIMIT:.0f} % is wanted")
    return int(share > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
