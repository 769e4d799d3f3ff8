"""Training runs of several processes, forked so that what is imported is imported once, and killed.

As a program: ``python -m making.forked_runs DATA CONFIG FOLDER SEED 1:5 2+units:3`` kills a run of
one process five times, another of two thrice, which is supplied with units by a producer that is
killed, too, and whose plan changes; and prints as JSON what happened. The runs are in
``FOLDER/<run>-killed`` and, undisturbed, ``FOLDER/<run>``, such as ``2+units``.
"""

import itertools
import json
import mmap
import os
import random
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

import diffusers.schedulers
import pandas
import PIL.Image
import torch
import torch.distributed.checkpoint
import torch.distributed.fsdp
import torch.distributed.tensor.parallel
import torch.utils.tensorboard
from making import ranks, supplying
from making.exact_resume import CHANGES
from making.supplying import Producers

from curation.failures.exit_codes import exit_code_of
from curation.failures.interruption import Interruption
from train import configuration_file, job, quieten

IMPORTED = (diffusers.schedulers.FlowMatchEulerDiscreteScheduler, torch.utils.tensorboard)
IMPORTED += (pandas, PIL.Image)
AGREEING, AGREED = "while a plan is agreed", "before an agreed plan is saved"
MOMENTS = ("between phases", "in a sum of gradients", "in a save", "anywhere")
OF_SEVERAL = ("the last alone", "told to end")
OF_UNITS = (AGREEING, AGREED)
LAST_CHANGE = max(first for first, _ in CHANGES.values()) - 4  # it is agreed on before
PATIENCE = 300  # seconds


def tell(line):
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class Run:
    """A run of ``size`` processes into ``out``, supplied by ``producers`` where there are any."""

    def __init__(self, data, config, out, size, producers=None):
        self.data, self.config, self.size = data, config, size
        self.out, self.log, self.producers = out, out.with_name(f"{out.name}.log"), producers
        self.mark = mmap.mmap(-1, 1)  # where the first process is, also when it is no more

    def start(self):
        """Its processes, and a producer where there is none."""
        if self.producers:
            self.producers.start()
        self.mark[0] = supplying.NOWHERE
        self.processes = ranks.fork(self.size, self._carried_out, self.log)
        return self

    def forget(self):
        """Nothing of it is left."""
        shutil.rmtree(self.out)
        if self.producers:
            self.producers.forget()

    def _carried_out(self):
        try:
            torch.set_num_threads(1)
            wanted = configuration_file.resolve("demo", self.config)
            if self.producers:
                wanted = self.producers.configured(wanted)
            is_first = os.environ.get("RANK", "0") == "0"
            supplying.watch(self.mark if is_first else bytearray(1), self.producers)
            request = job.Request(str(self.data), self.out)
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
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return any(os.waitid(os.P_PID, process, how) for process in self.processes)

    def until(self, happened):
        """Wait until that, or the end."""
        late = time.monotonic() + PATIENCE
        while time.monotonic() < late and not self.is_over():
            if happened():
                return
            time.sleep(0.001)

    def signal(self, number, *who):
        for rank in who or range(len(self.processes)):
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
    begun, producers = run.steps(), run.producers
    after = begun + chance.randint(1, max(1, most))
    if moment == "between phases" and (later := [step for step in borders if step > begun + 1]):
        run.until(lambda: run.steps() >= later[0])
    elif moment == "in a save":
        run.until(lambda: any(run.out.glob(".checkpoint-*.partial")))
        time.sleep(chance.random() * 0.02)
    elif moment == AGREEING:
        run.until(lambda: run.steps() > 3 and run.mark[0] == supplying.AGREEING)
        time.sleep(chance.random() * 0.005)
    elif moment == AGREED:
        run.until(lambda: run.mark[0] and producers.is_ahead(run.out))
        time.sleep(chance.random() * 0.1)
    else:
        run.until(lambda: run.steps() >= after)
        time.sleep(chance.random() * 0.05)
    if moment == "in a sum of gradients":
        run.until(lambda: run.mark[0] == supplying.SUMMING)
    who = {"the last alone": (-1,), "told to end": (0,)}.get(moment, ())
    run.signal(signal.SIGTERM if moment == "told to end" else signal.SIGKILL, *who)
    codes, mark = run.codes(), run.mark[0]
    was = {"summing": mark == supplying.SUMMING, "agreeing": mark == supplying.AGREEING}
    was["saving"] = mark != supplying.NOWHERE and any(run.out.glob(".checkpoint-*.partial"))
    was["agreed"] = bool(producers and producers.is_ahead(run.out))
    return {"moment": moment, "steps": run.steps(), "codes": codes, **was}


def killed(run, kills, chance, borders, steps):
    """A run that is ended so often before its end, and then finished; what happened. ``run`` starts
    its processes.
    """
    producers, happened = run.producers, []
    moments = OF_UNITS * bool(producers) + OF_SEVERAL * (run.size > 1) + MOMENTS
    for number in range(kills):
        moment = moments[number % len(moments)]
        is_late = moment in OF_UNITS and run.steps() >= LAST_CHANGE
        if is_late or (run.out / "result.json").exists():  # from the beginning again
            run.forget()
        run.start()
        most = (steps - run.steps()) // (kills - number + 1)
        happened.append(end(run, chance, moment, borders, most))
        if producers and chance.random() < 0.5:
            producers.kill()
    return {"kills": happened, "codes": run.start().codes()}


def main(data, config, folder, seed, *cases):
    quieten.libraries()  # which imports them, once for all
    folder, config, chance = Path(folder), Path(config), random.Random(int(seed))
    wanted = configuration_file.resolve("demo", config)
    borders = list(itertools.accumulate(phase.steps for phase in wanted.phases[:-1]))
    said = {}

    def run_of(case, size, name):
        producers = Producers(data, config, folder / f"{name}.units") if "units" in case else None
        return Run(data, config, folder / name, int(size), producers)

    for case, kills in (each.split(":") for each in cases):
        size = case.partition("+")[0]
        alone = run_of(case, size, case).start().codes()
        run = run_of(case, size, f"{case}-killed")
        said[case] = {"alone": alone, **killed(run, int(kills), chance, borders, wanted.steps)}
        if run.producers:
            said[case]["producers killed"] = run.producers.killed
            run.producers.kill()
    if len(said) > 1:  # the last, continued by as many processes as the first
        first, *_, last = said
        run = run_of(last, last.partition("+")[0], "continued").start()
        happened = end(run, chance, "told to end", borders, wanted.steps // 2)
        run.size = int(first.partition("+")[0])
        said["continued"] = [happened, run.start().codes()]
        if run.producers:
            run.producers.kill()
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
