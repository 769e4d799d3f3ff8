"""Whole runs by one process and by several, forked, of which both come to the same.

As a program: ``python -m making.ranked_runs DATA FOLDER 2 CONFIG ...`` leaves that of
``FOLDER/<name>.yaml`` in ``FOLDER/<name>-1`` and ``FOLDER/<name>-2``.
"""

import os
import sys
from pathlib import Path

import diffusers.schedulers
import torch
import torch.distributed.checkpoint
import torch.distributed.fsdp
import torch.distributed.tensor.parallel
import torch.utils.tensorboard
from making import ranks
from torch.nn.functional import avg_pool2d

from train import alignment, configuration_file, job

IMPORTED = (diffusers.schedulers.FlowMatchEulerDiscreteScheduler, torch.utils.tensorboard)


class Seen:
    """Stands for a frozen encoder of images: sums of colours, in cells."""

    width = 8

    def __call__(self, pixels):
        colours = torch.linspace(-1, 1, 3 * self.width).view(self.width, 3)
        return torch.einsum("fc,nchw->nfhw", colours, avg_pool2d(pixels, 8))


def carry_out(data, folder, count, configs):
    """All of the runs, in one of the processes."""
    torch.set_num_threads(1)
    for config in configs:
        wanted = configuration_file.resolve("demo", folder / f"{config}.yaml")
        job.run(wanted, job.Request(data, folder / f"{config}-{count}"), lambda _: None)
        if count > 1:
            os.environ["MASTER_PORT"] = str(int(os.environ["MASTER_PORT"]) + 1)
    return 0


def main(data, folder, count, *configs):
    alignment.features = lambda configuration, device: Seen()
    for size in (1, int(count)):
        size_of = (data, Path(folder), size, configs)
        codes = ranks.codes(ranks.fork(size, lambda given=size_of: carry_out(*given)))
        if any(codes):
            sys.exit(f"{size} processes: exit codes {codes}")


if __name__ == "__main__":
    main(*sys.argv[1:])
