"""What we switch off in Beam's local runner, because it loses data."""

import subprocess
import sys

from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker import data_plane

from curation.runners import running


def test_outputs_are_never_flushed_from_another_thread() -> None:
    assert running.LOCAL  # importing the module is what switches it off
    limit = worker_handlers.DATA_BUFFER_TIME_LIMIT_MS
    stream = data_plane.ClosableOutputStream.create(None, None, limit)
    assert not isinstance(stream, data_plane.TimeBasedBufferingClosableOutputStream)


def test_garbage_is_not_collected_while_importing_and_is_once_a_graph_runs() -> None:
    code = (
        "import gc; from curation import importing; importing.less(['run']); "
        "print(gc.isenabled()); from curation.runners import running\n"
        "with running.pipeline(['--direct_num_workers=1']): print(gc.isenabled())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["False", "True"]
