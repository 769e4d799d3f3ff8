"""Workers of our pool for Beam's local runner, which starts processes that import all anew."""

from collections.abc import Iterable, Mapping
from typing import Any

from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    GrpcWorkerHandler,
    WorkerHandler,
)
from apache_beam.transforms.environments import (
    Environment,
    SubprocessSDKEnvironment,
    python_sdk_capabilities,
)
from google.protobuf import json_format  # type: ignore[import-untyped]

from curation.runners import worker_pool

_URN = "inkstone:environment:forked_worker:v1"


def environment(threads: int) -> Environment:
    """What a runner takes for the workers of the pool that runs; ``threads`` share a process."""
    return _ForkedEnvironment(str(threads), capabilities=python_sdk_capabilities())


@Environment.register_urn(_URN, bytes)
class _ForkedEnvironment(SubprocessSDKEnvironment):  # type: ignore[misc]
    """Like a worker's command line, but the command is how many workers share a process."""

    def to_runner_api_parameter(self, context: Any) -> tuple[str, bytes]:
        return _URN, self.command_string.encode()

    @staticmethod
    def from_runner_api_parameter(
        payload: bytes,
        capabilities: Iterable[str],
        artifacts: Iterable[Any],
        resource_hints: Mapping[str, bytes],
        context: Any,
    ) -> "_ForkedEnvironment":
        return _ForkedEnvironment(payload.decode(), capabilities, artifacts, resource_hints)


@WorkerHandler.register_environment(_URN, bytes)
class _ForkedWorker(GrpcWorkerHandler):  # type: ignore[misc]
    """A worker of the pool, as the runner sees it."""

    def __init__(self, threads: bytes, state: Any, provision: Any, server: Any) -> None:
        super().__init__(state, provision, server)
        self._threads = int(threads)
        pool = worker_pool.current()
        if pool is None:
            raise RuntimeError("no pool of workers runs: curation.runners.running.workers")
        self._pool = pool

    def start_worker(self) -> None:
        options = json_format.MessageToJson(self.provision_info.provision_info.pipeline_options)
        self._pool.start(self.worker_id, self.control_address, options, self._threads)

    def close(self) -> None:
        self._pool.leave(self.worker_id)
        super().close()

    def stop_worker(self) -> None:
        """Nothing: its process ends with the last worker in it."""
