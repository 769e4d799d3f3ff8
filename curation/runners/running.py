"""Where a graph runs: this machine by default, else whatever Beam runner the user names."""

import argparse
import contextlib
import difflib
import gc
import importlib
import io
import logging
import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, worker_handlers
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from curation.failures.errors import UsageError
from curation.runners import forked_workers, memory, watchdog, worker_pool
from curation.runners.fingerprint import VersionError
from curation.runners.job import LOCAL, runner_name

# Beam 2.77 flushes what a step yields once a second, from another thread and without a lock: what
# is yielded between its reading the buffer and clearing it is LOST (1 batch of hashes in 500).
# 0: flush by size only, in the thread that yields.
worker_handlers.DATA_BUFFER_TIME_LIMIT_MS = 0
# Measuring holds one lock for 0.9 of an image's 1.9 ms, so the threads of a process fill two cores.
# Three or four workers would gain up to half from processes, but each takes 40 MB, 115 with the
# shipped model, and machines that small lack memory before time.
MOST_THREADS = 4
_WORKER = "apache_beam.runners.worker.sdk_worker_main"
_LOST = re.compile(
    r"ModuleNotFoundError: No module named '?curation\b.*"
    r"|AttributeError: Can't get attribute .* on <module 'curation\b.*"
)
# Options of Spark's Java job server, which tells them only once it runs (from its option classes).
SPARK_OPTIONS = (
    "bundle_size",
    "cache_disabled",
    "checkpoint_dir",
    "enable_spark_metric_sinks",
    "storage_level",
)


class OurOptions(PipelineOptions):  # type: ignore[misc]
    """Options of the graph that are ours, beside Beam's."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--model_accelerator",
            "--model-accelerator",
            help="Hardware for models that use it, such as "
            "'type:nvidia-l4;count:1;install-nvidia-driver' (Dataflow).",
        )
        parser.add_argument(
            "--model_memory",
            "--model-memory",
            help="Least memory of machines that run models, such as 16GB (Dataflow).",
        )
        parser.add_argument(
            "--process_threads",
            "--process-threads",
            type=int,
            default=1,
            help="Workers in a process, with --direct_running_mode=multi_processing.",
        )


@contextlib.contextmanager
def pipeline(arguments: Sequence[str]) -> Iterator[beam.Pipeline]:
    """A pipeline that runs when the block ends. Raises ``RuntimeError``."""
    # A failing step's traceback comes back in the exception; printed and logged by the local
    # workers as well, it would bury the message.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    gc.freeze()  # hundreds of thousands of imported objects need no looking through again
    gc.enable()  # see ``curation.importing``
    try:
        with _running(PipelineOptions(list(arguments)), runner_of(arguments)) as root:
            yield root
    except RuntimeError as error:
        raise _explained(error) from error


@contextlib.contextmanager
def workers(arguments: Sequence[str], modules: Sequence[str]) -> Iterator[None]:
    """The worker processes of all pipelines in the block, where these options ask for any.

    Call it before any thread is started or lock taken. ``modules`` are imported before, so that no
    worker has to.
    """
    how = PipelineOptions(list(arguments)).view_as(DirectOptions)
    wanted = how.direct_running_mode == "multi_processing" and runner_of(arguments) == LOCAL
    for module in modules if wanted else ():
        importlib.import_module(module)
    with worker_pool.started() if wanted else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def _running(options: PipelineOptions, runner: str) -> Iterator[beam.Pipeline]:
    if runner == LOCAL:
        memory.keep_freed()
        quiet = contextlib.redirect_stderr(io.StringIO())
        local = beam.Pipeline(runner=_local_runner(options), options=options)
        with quiet, watchdog.ending_with_workers(), local as root:
            yield root
        if pool := worker_pool.current():
            pool.settle()
        return
    try:
        with beam.Pipeline(options=options) as root:
            yield root
    except Exception as error:
        if type(error).__name__ != "DataflowRuntimeException":  # its module needs Google's client
            raise
        raise RuntimeError(str(error)) from error


def _local_runner(options: PipelineOptions) -> FnApiRunner:
    """By its class: the name DirectRunner would first try to download another runner.

    Worker processes inherit our standard error; what they write there is taken from them.
    """
    how = options.view_as(DirectOptions)
    if how.direct_running_mode != "multi_processing":
        return FnApiRunner()
    how.direct_running_mode = "in_memory"  # this mode alone does not choose the workers itself
    if worker_pool.current():
        threads = options.view_as(OurOptions).process_threads
        return FnApiRunner(forked_workers.environment(threads))
    command = f"exec {shlex.quote(sys.executable)} -m {_WORKER} 2>/dev/null"
    return FnApiRunner(SubprocessSDKEnvironment.from_command_string(command))


def _explained(error: RuntimeError) -> Exception:
    """Workers without our package, or with another, may fail before any step can say so."""
    if "VersionError" not in str(error) and (lost := _LOST.search(str(error))):
        return VersionError(
            f"a worker cannot load this project ({lost[0].strip()}): install the driver's wheel "
            "on every worker, and start workers in a folder without a curation/ of its own"
        )
    return error


def options_of(arguments: Sequence[str]) -> dict[str, Any]:
    """Beam's options with their defaults. Call ``refuse_unknown`` first."""
    options: dict[str, Any] = PipelineOptions(list(arguments)).get_all_options()
    return options


def runner_of(arguments: Sequence[str]) -> str:
    """The runner as Beam spells it, or ``LOCAL``. Raises ``UsageError``."""
    return runner_name(options_of(arguments).get("runner") or "")


def model_hints(arguments: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Resource hints of the steps that run models, and more of those whose models use a GPU."""
    given = options_of(arguments)
    memory, accelerator = given.get("model_memory"), given.get("model_accelerator")
    return (
        {"min_ram": str(memory)} if memory else {},
        {"accelerator": str(accelerator)} if accelerator else {},
    )


def defaults(
    arguments: Sequence[str], workers: int | None, *, processes: bool = False
) -> list[str]:
    """Options to put before the user's.

    Here: all cores. Up to ``MOST_THREADS`` workers are threads of one process; more would wait for
    Python's lock, so they are processes of two threads each, or of one where the work holds the
    lock (``processes``). Elsewhere: workers import our modules, so nothing of the driver's
    ``__main__`` is sent to them.
    """
    if runner_of(arguments) != LOCAL:
        return ["--no_save_main_session"]
    count = workers or os.cpu_count() or 1
    if count > (1 if processes else MOST_THREADS):
        threads = 1 if processes else 2
        mode = ["--direct_running_mode=multi_processing", f"--process_threads={threads}"]
        mode.append("--no_save_main_session")
    else:
        mode = ["--direct_running_mode=multi_threading"]
    return [f"--direct_num_workers={count}", *mode]


class _Parser(argparse.ArgumentParser):
    """One that raises instead of printing and leaving."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (an option of Beam's)")

    def names(self) -> list[str]:
        """Every option's spellings."""
        return [name for action in self._actions for name in action.option_strings]


def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    for options in [PipelineOptions, *PipelineOptions.__subclasses__()]:
        add = getattr(options, "_add_argparse_args", None)
        if add is not None:
            with contextlib.suppress(argparse.ArgumentError):
                add(parser)
    return parser


def refuse_unknown(arguments: Sequence[str], ours: Sequence[str] = ()) -> None:
    """Raise ``UsageError`` for an argument that no option of Beam's or of the runner's explains.

    ``ours`` are the command's own options, for the nearest name.
    """
    parser = _parser()
    runner = runner_name(parser.parse_known_args(list(arguments))[0].runner or "")
    for name in SPARK_OPTIONS if runner == "SparkRunner" else ():
        with contextlib.suppress(argparse.ArgumentError):
            parser.add_argument(f"--{name}")
    unknown = parser.parse_known_args(list(arguments))[1]
    if unknown:
        name = unknown[0].split("=", 1)[0]
        near = difflib.get_close_matches(name, [*parser.names(), *ours], 1, 0.75)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"{unknown[0]!r} is neither an option of ours nor of Beam's{hint}")
