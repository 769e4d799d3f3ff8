"""Where a graph runs: this machine by default, else whatever Beam runner the user names."""

import argparse
import contextlib
import gc
import io
import logging
import os
from collections.abc import Iterator, Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import worker_handlers

from curation import memory, watchdog

# Beam 2.77 flushes what a step yields once a second, from another thread and without a lock: what
# is yielded between its reading the buffer and clearing it is LOST (1 batch of hashes in 500).
# 0: flush by size only, in the thread that yields.
worker_handlers.DATA_BUFFER_TIME_LIMIT_MS = 0
LOCAL_RUNNERS = ("", "local", "DirectRunner", "FnApiRunner")


@contextlib.contextmanager
def pipeline(arguments: Sequence[str]) -> Iterator[beam.Pipeline]:
    """A pipeline that runs when the block ends. Raises ``RuntimeError``."""
    # A failing step's traceback comes back in the exception; printed and logged by the local
    # workers as well, it would bury the message.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    options = PipelineOptions(list(arguments))
    if (options.get_all_options().get("runner") or "") in LOCAL_RUNNERS:
        memory.keep_freed()
        gc.freeze()  # hundreds of thousands of imported objects need no looking through again
        # By this name: the name DirectRunner would first try to download another runner.
        quiet = contextlib.redirect_stderr(io.StringIO())
        local = beam.Pipeline(runner="FnApiRunner", options=options)
        with quiet, watchdog.ending_with_workers(), local as root:
            yield root
    else:
        with beam.Pipeline(options=options) as root:
            yield root


def local_defaults(arguments: Sequence[str], workers: int | None) -> list[str]:
    """Options to put before the user's: all cores, threads of one process (little memory)."""
    runner = PipelineOptions(list(arguments)).get_all_options().get("runner") or ""
    if runner not in LOCAL_RUNNERS:
        return []
    count = workers or os.cpu_count() or 1
    return [f"--direct_num_workers={count}", "--direct_running_mode=multi_threading"]


def unknown_arguments(arguments: Sequence[str]) -> list[str]:
    """Arguments that no Beam option explains."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for options in [PipelineOptions, *PipelineOptions.__subclasses__()]:
        add = getattr(options, "_add_argparse_args", None)
        if add is not None:
            with contextlib.suppress(argparse.ArgumentError):
                add(parser)
    return parser.parse_known_args(list(arguments))[1]
