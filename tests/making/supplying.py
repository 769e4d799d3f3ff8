"""Producers beside runs that are killed, and changes of the plan, proposed at the same steps each
time; and where in a step a run is.
"""

import json
import os
import shutil
import signal
from pathlib import Path

from making import ranks
from making.exact_resume import CHANGES

from train import noising, produce
from train.configuration import PhaseConfiguration
from train.producers import agreed, supply

LEASE = 0.5  # seconds
NOWHERE, RUNNING, SUMMING, AGREEING = range(4)


class Producers:
    """One producer at a time, of the units in ``root``."""

    def __init__(self, data, config, root):
        self.data, self.config, self.root, self.process = data, config, root, 0
        self.killed = 0

    def start(self):
        """Another one, where the last has ended."""
        if not self.process or os.waitpid(self.process, os.WNOHANG)[0]:
            (self.process,) = ranks.fork(
                1, self._made, self.root.with_name(f"{self.root.name}.log")
            )

    def kill(self):
        if self.process and not os.waitpid(self.process, os.WNOHANG)[0]:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
            self.killed += 1
        self.process = 0

    def forget(self):
        """Nothing is made or agreed on."""
        self.kill()
        shutil.rmtree(self.root, ignore_errors=True)

    def configured(self, wanted):
        data = wanted.data.model_copy(update={"units": str(self.root)})
        return wanted.model_copy(update={"data": data})

    def accepted(self):
        return len(list(self.root.glob(f"versions/*{agreed.ACCEPTED}")))

    def is_ahead(self, out):
        """Whether more of the plan is agreed on than the newest checkpoint knows."""
        path = Path(out) / "latest"
        if not path.is_file():
            return self.accepted() > 0
        state = path.parent / path.read_text().strip() / "training_state"
        return self.accepted() > len(json.loads((state / "progress.json").read_text())["plan"])

    def propose(self, step):
        """What is to be proposed at a step, or was to be before it."""
        for number, (at, (first, phases)) in enumerate(CHANGES.items()):
            if at <= step and self.accepted() == number:
                given = tuple(map(PhaseConfiguration.model_validate, phases))
                agreed.propose(self.root, given, first)

    def _made(self):
        settings = {"preset": "demo", "config": Path(self.config), "steps": None, "seed": None}
        more = {"depth": 64, "everything": False, "owner": "", "lease": LEASE, "threads": 1}
        produce.produce(data=self.data, units=self.root, **settings, **more)
        return 0


def watch(mark, producers):
    """Write down where in a step this process is, into a byte; propose changes where due."""
    advance, through = supply.Supply.advance, noising.through_network

    def advanced(self, parts, step, tell):
        if parts.world.is_first:
            producers.propose(step)
        mark[0] = AGREEING
        parts = advance(self, parts, step, tell)
        mark[0] = RUNNING
        return parts

    def summed(parts, samples):
        mark[0] = RUNNING
        for portion in through(parts, samples):
            yield portion
            mark[0] = SUMMING  # the gradient of one portion is taken, not yet that of all
        mark[0] = RUNNING

    supply.Supply.advance, noising.through_network = advanced, summed
