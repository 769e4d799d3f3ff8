"""Training runs of several processes, forked so that what is imported is imported once, and killed.

As a program: ``python -m making.forked_runs DATA CONFIG FOLDER SEED 1:5 2:3`` kills a run of one
process five times, another of two thrice, and prints as JSON what happened. The runs are in
``FOLDER/<processes>-killed`` and, undisturbed, ``FOLDER/<processes>``.
"""

import itertools
import json
import os
import random
import shutil
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

import diffusers.schedulers
import torch
import torch.distributed.checkpoint
import torch.distributed.fsdp
import torch.distributed.tensor.parallel
import torch.utils.tensorboard

from curation.failures.exit_codes import exit_code_of
from curation.failures.interruption import Interruption
from train import configuration_file, job

IMPORTED = (diffusers.schedulers.FlowMatchEulerDiscreteScheduler, torch.utils.tensorboard)
ANY = ("between phases", "in a save", "anywhere")
SEVERAL = (*ANY, "the last alone", "told to end")
PATIENCE = 300  # seconds


def tell(line):
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class Run:
    """A run of ``size`` processes into ``out``."""

    def __init__(self, data, config, out, size):
        self.out, self.log = out, out.with_suffix(".log")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        sys.stdout.flush()
        self.processes = []
        for rank in range(size):
            process = os.fork()
            if not process:
                os._exit(self._child(data, config, (rank, size, port)))
            self.processes.append(process)

    def _child(self, data, config, place):
        rank, size, port = place
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if size > 1:
            os.environ |= {"RANK": f"{rank}", "LOCAL_RANK": f"{rank}", "WORLD_SIZE": f"{size}"}
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{port}"}
        try:
            torch.set_num_threads(1)
            wanted = configuration_file.resolve("demo", config)
            request = job.Request(str(data), self.out)
            job.run(wanted, request, tell)
        except Interruption as stop:
            return stop.code
        except Exception as error:  # noqa: BLE001 - as the command does
            code, message = exit_code_of(error)
            tell(message or traceback.format_exc())
            return code
        return 0

    def steps(self):
        path = self.out / "metrics.jsonl"
        return path.read_bytes().count(b"\n") if path.is_file() else 0

    def is_over(self):
        """Whether some process has ended; it is kept to be waited for."""
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return ended is not None

    def until(self, happened):
        """Wait until that, or the end."""
        late = time.monotonic() + PATIENCE
        while time.monotonic() < late and not self.is_over():
            if happened():
                return
            time.sleep(0.001)

    def signal(self, number, *ranks):
        for rank in ranks or range(len(self.processes)):
            os.kill(self.processes[rank], number)

    def codes(self):
        """The exit codes, negative for signals; those that hang are killed."""
        late = time.monotonic() + PATIENCE
        codes = {}
        while len(codes) < len(self.processes):
            for process in self.processes:
                if process not in codes:
                    if time.monotonic() > late:
                        os.kill(process, signal.SIGKILL)
                    done, status = os.waitpid(process, os.WNOHANG)
                    if done:
                        codes[process] = os.waitstatus_to_exitcode(status)
            time.sleep(0.002)
        return [codes[process] for process in self.processes]


def end(run, chance, moment, borders, most):
    """End a run at a ``moment``, at most so many steps after where it is; what happened."""
    begun = run.steps()
    after = begun + chance.randint(1, max(1, most))
    if moment == "between phases" and (later := [step for step in borders if step > begun + 1]):
        run.until(lambda: run.steps() >= later[0])
    elif moment == "in a save":
        run.until(lambda: any(run.out.glob(".checkpoint-*.partial")))
        time.sleep(chance.random() * 0.02)
    else:
        run.until(lambda: run.steps() >= after)
        time.sleep(chance.random() * 0.05)
    saving = any(run.out.glob(".checkpoint-*.partial"))
    ranks = {"the last alone": (-1,), "told to end": (0,)}.get(moment, ())
    run.signal(signal.SIGTERM if moment == "told to end" else signal.SIGKILL, *ranks)
    codes = run.codes()
    return {"moment": moment, "steps": run.steps(), "saving": saving, "codes": codes}


def killed(data, config, out, kills, size, chance, borders, steps):
    """A run that is ended so often before its end, and then finished; what happened."""
    happened = []
    moments = SEVERAL if size > 1 else ANY
    for number in range(kills):
        if (out / "result.json").exists():  # it came to its end: from the beginning again
            shutil.rmtree(out)
        run = Run(data, config, out, size)
        most = (steps - run.steps()) // (kills - number + 1)
        happened.append(end(run, chance, moments[number % len(moments)], borders, most))
    return {"kills": happened, "codes": Run(data, config, out, size).codes()}


def main(data, config, folder, seed, *sizes):
    folder, config, chance = Path(folder), Path(config), random.Random(int(seed))
    wanted = configuration_file.resolve("demo", config)
    borders = list(itertools.accumulate(phase.steps for phase in wanted.phases[:-1]))
    said = {}
    for size, kills in (map(int, each.split(":")) for each in sizes):
        alone = Run(data, config, folder / f"{size}", size).codes()
        out = folder / f"{size}-killed"
        said[size] = {
            "alone": alone,
            **killed(data, config, out, kills, size, chance, borders, wanted.steps),
        }
    if len(said) > 1:  # the last, continued by as many processes as the first
        first, *_, last = said
        run = Run(data, config, folder / "continued", last)
        happened = end(run, chance, "told to end", borders, wanted.steps // 2)
        said["continued"] = [happened, Run(data, config, run.out, first).codes()]
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
