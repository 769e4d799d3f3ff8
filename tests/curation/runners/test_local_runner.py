"""What we switch off in Beam's local runner, because it loses data."""

from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker import data_plane

from curation.runners import running


def test_outputs_are_never_flushed_from_another_thread() -> None:
    assert running.LOCAL  # importing the module is what switches it off
    limit = worker_handlers.DATA_BUFFER_TIME_LIMIT_MS
    stream = data_plane.ClosableOutputStream.create(None, None, limit)
    assert not isinstance(stream, data_plane.TimeBasedBufferingClosableOutputStream)
