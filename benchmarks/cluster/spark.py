"""A standalone Spark cluster on the loopback interface, with what Beam needs beside it.

One master, two workers of one core each, a pool of Python workers beside each, and Beam's job
server. A job names one address for the pools, ``localhost:PORT``, which on every host is that
host's own. Here all is one host, so each Spark worker gets a table of host names of its own, in
which ``localhost`` is another loopback address, and a relay from there to its own pool.
"""

import contextlib
import json
import os
import socket
import sys
import urllib.request
from pathlib import Path
from types import TracebackType

import psutil

from benchmarks.cluster import processes
from benchmarks.cluster.parts import Parts

OPENED = (
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
)
# An executor keeps the connection to its Python process even when that died, and fails whatever it
# is given from then on: failed tasks go to another executor, and one that no task may go to is
# replaced. The limits per host are for clusters; all executors of this one have the same host.
REPLACING = {
    "spark.excludeOnFailure.enabled": "true",
    "spark.excludeOnFailure.killExcludedExecutors": "true",
    "spark.excludeOnFailure.task.maxTaskAttemptsPerNode": 15,
    "spark.excludeOnFailure.stage.maxFailedTasksPerExecutor": 1,
    "spark.excludeOnFailure.stage.maxFailedExecutorsPerNode": 100,
    "spark.excludeOnFailure.application.maxFailedExecutorsPerNode": 100,
    "spark.task.maxFailures": 16,
}
# Beam waits for ever for a Python worker that died before it answered: after this long the task is
# also tried elsewhere, and what is done first counts (each step writes the same bytes, atomically).
SPECULATING = {
    "spark.speculation": "true",
    "spark.speculation.interval": "1s",
    "spark.speculation.quantile": 0.5,
    "spark.speculation.multiplier": 3,
    "spark.speculation.minTaskRuntime": "60s",
}

EXECUTOR = "CoarseGrainedExecutorBackend"


def _address(worker: int) -> str:
    """The loopback address that stands for the host of a worker."""
    return f"127.0.0.{worker + 2}"


class Cluster:
    """The processes, alive between entering and leaving the context.

    ``work`` takes logs, events and scratch files. ``parallelism`` is how many tasks a step is cut
    into. Raises ``ClusterError`` when something does not start within a minute.
    """

    def __init__(self, parts: Parts, work: Path, workers: int = 2, parallelism: int = 8) -> None:
        self.parts, self.work, self.workers, self.parallelism = parts, work, workers, parallelism
        self.events = work / "events"
        self.master_port, self.page_port = processes.free_port(), processes.free_port()
        self.pool_port, self.job_port = processes.free_port(), 0
        self.pool_ports = [processes.free_port() for _ in range(workers)]
        self.running: dict[str, psutil.Popen] = {}

    def __enter__(self) -> "Cluster":
        for name in ("events", "artifacts", "scratch"):
            (self.work / name).mkdir(parents=True, exist_ok=True)
        try:
            self._start_spark()
            for number in range(self.workers):
                self.start_pool(number)
            self.start_job_server()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        # The job server first: it tells the executors to end; the pool last: they are its callers.
        order = sorted(self.running, key=lambda name: ("pool" in name, name != "job_server"))
        processes.end([self.running[name] for name in order])

    def log(self, name: str) -> Path:
        """Where a process writes what it has to say."""
        return self.work / f"{name}.log"

    def _environment(self) -> dict[str, str]:
        settings = {
            "SPARK_HOME": str(self.parts.spark_home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self.work / "scratch"),
            # The pool calls plain `python`: it has to be the one with this project installed.
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
        }
        return {**os.environ, **settings}

    def _start(
        self, name: str, command: list[str], more: dict[str, str] | None = None
    ) -> psutil.Popen:
        process = processes.start(command, self.log(name), self._environment() | (more or {}))
        self.running[name] = process
        return process

    def _start_spark(self) -> None:
        shell = str(self.parts.spark_home / "bin" / "spark-class")
        deploy = "org.apache.spark.deploy"
        ports = ["--port", str(self.master_port), "--webui-port", str(self.page_port)]
        master = self._start(
            "master", [shell, f"{deploy}.master.Master", "--host", "127.0.0.1", *ports]
        )
        for number in range(self.workers):
            name = f"worker{number}"
            size = ["--cores", "1", "--memory", "1g", "--webui-port", "0"]
            place = ["--host", _address(number), "--work-dir", str(self.work / name)]
            hosts = self.work / f"{name}.hosts"
            own = f"{_address(number)} localhost"
            hosts.write_text(f"{own}\n127.0.0.1 {socket.gethostname()}\n")
            command = [shell, f"{deploy}.worker.Worker", *place, *size, self.master_url]
            settings = {"SPARK_LOCAL_IP": _address(number)}
            self._start(
                name, command, {**settings, "JAVA_TOOL_OPTIONS": f"-Djdk.net.hosts.file={hosts}"}
            )
            self._relay(f"relay{number}", _address(number), number)
        self._relay("relay", "127.0.0.1", 0)  # where `beam run` asks whether a pool answers
        processes.wait_for(
            lambda: self._alive_workers() == self.workers, master, self.log("master")
        )

    def _relay(self, name: str, address: str, pool: int) -> None:
        ports = [str(self.pool_port), str(self.pool_ports[pool])]
        self._start(name, [sys.executable, "-m", "benchmarks.cluster.relay", address, *ports])

    def _alive_workers(self) -> int:
        page = f"http://127.0.0.1:{self.page_port}/json/"
        with (
            contextlib.suppress(OSError, ValueError),
            urllib.request.urlopen(page, timeout=2) as it,
        ):
            return int(json.load(it)["aliveworkers"])
        return 0

    def start_pool(self, number: int) -> None:
        """Start (again) a pool of Python workers; what supervises it on a real host would."""
        module, port = "apache_beam.runners.worker.worker_pool_main", self.pool_ports[number]
        command = [sys.executable, "-m", module, "--service_port", str(port)]
        pool = self._start(f"pool{number}", command)
        processes.wait_for(lambda: processes.listens(port), pool, self.log(f"pool{number}"))

    def start_job_server(self) -> None:
        """Start (again) Beam's job server, the driver of Spark's jobs."""
        self.job_port = processes.free_port()
        settings: dict[str, object] = {
            **REPLACING,
            **SPECULATING,
            "spark.driver.host": "127.0.0.1",  # not by name: see the tables of host names
            "spark.default.parallelism": self.parallelism,
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": self.events.as_uri(),
            "spark.executor.extraClassPath": self.parts.jar,
            "spark.ui.enabled": "false",
        }
        command = [str(self.parts.java), "-Xmx1g"]
        command += [f"--add-opens={name}=ALL-UNNAMED" for name in OPENED]
        command += [f"-D{name}={value}" for name, value in settings.items()]
        command += ["-cp", f"{self.parts.jar}:{self.parts.spark_home}/jars/*"]
        command += ["org.apache.beam.runners.spark.SparkJobServerDriver", "--job-host=127.0.0.1"]
        command += [f"--job-port={self.job_port}", f"--artifact-port={processes.free_port()}"]
        command += [f"--expansion-port={processes.free_port()}"]
        command += [f"--spark-master-url={self.master_url}"]
        command += [f"--artifacts-dir={self.work / 'artifacts'}"]
        server = self._start("job_server", command)
        log = self.log("job_server")
        processes.wait_for(lambda: processes.listens(self.job_port), server, log)

    @property
    def master_url(self) -> str:
        return f"spark://127.0.0.1:{self.master_port}"

    def arguments(self) -> list[str]:
        """The options of Beam that send a job here."""
        return [
            "--runner=PortableRunner",
            f"--job_endpoint=127.0.0.1:{self.job_port}",
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{self.pool_port}",
            # Without it every task starts a Python process of its own: 4 CPU seconds of imports.
            "--environment_cache_millis=600000",
            f"--files_to_stage={self.parts.jar}",
        ]

    def roots(self) -> list[psutil.Process]:
        """The processes that were started here; what they started are their descendants."""
        return list(self.running.values())

    def executors(self) -> list[psutil.Process]:
        """Spark's executors: a JVM per worker and job."""
        return [
            process
            for name, root in self.running.items()
            if name.startswith("worker")
            for process in processes.family(root)[1:]
            if EXECUTOR in processes.command_line(process)
        ]

    def harnesses(self, number: int) -> list[psutil.Process]:
        """The Python workers that a pool started."""
        family = processes.family(self.running[f"pool{number}"])[1:]
        # The pool reads no exit codes: those that ended stay behind as zombies until it ends.
        return [process for process in family if processes.command_line(process)]
