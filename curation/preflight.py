"""What a runner needs, looked for before any work: an answer in seconds instead of Beam's minutes.

Nothing is downloaded or started. A check that asks another machine gives up after three seconds.
"""

import difflib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from curation import beam_parts, endpoints, storage

LOCAL = "local"
SUPPORTED = ("SparkRunner", "FlinkRunner", "PrismRunner", "PortableRunner", "DataflowRunner")
NAMES = (LOCAL, "DirectRunner", "FnApiRunner", *SUPPORTED)
ENVIRONMENTS = ("DOCKER", "PROCESS", "EXTERNAL", "LOOPBACK")
NEEDED_BY_DATAFLOW = {
    "project": "--project=PROJECT_ID",
    "region": "--region=europe-west1 or another near the bucket",
    "temp_location": "--temp_location=gs://BUCKET/temp",
}
WAYS_TO_SHIP = ("sdk_container_image", "setup_file", "extra_packages")
FLINK_DECIDES = ("[local]", "[auto]")
STORAGE_HOST = ("storage.googleapis.com", 443)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_BUCKET_WITH_DOTS = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_ACCELERATOR = re.compile(r"type:[^;\s]+;count:[1-9]\d*(;[^;\s]+)*")
_SPARK_LOCAL = re.compile(r"local(\[.+\])?")


class UsageError(Exception):
    """Something that the runner needs is missing or ill-formed; the message says what to do."""


@dataclass(frozen=True)
class Job:
    """What is about to run. ``options`` are Beam's, parsed, defaults included."""

    runner: str
    options: Mapping[str, Any]
    inputs: tuple[str, ...] = ()
    output: str = ""
    shared_filesystem: bool = False

    def given(self, option: str) -> str:
        """The option as text, empty when it was not given."""
        return str(self.options.get(option) or "")

    @property
    def paths(self) -> Iterator[tuple[str, str]]:
        """Every place of the user's data, with the option that names it."""
        yield from (("--input", path) for path in self.inputs)
        yield "--output", self.output


def runner_name(given: str) -> str:
    """Beam's spelling of a runner, ``local`` for the default. Raises ``UsageError``."""
    if "." in given:
        return given  # a class of the user's own
    spelled = {name.lower().removesuffix("runner"): name for name in NAMES}
    short = given.lower().removesuffix("runner") or LOCAL
    if short in spelled:
        name = spelled[short]
        return LOCAL if name in NAMES[:3] else name
    near = difflib.get_close_matches(short, spelled, 1, 0.5)
    hint = f"; did you mean {spelled[near[0]]}?" if near else ""
    raise UsageError(f"--runner={given}: expected one of {', '.join(NAMES)}{hint}")


def check(job: Job) -> None:
    """Raise ``UsageError`` for the first thing that would keep the job from running."""
    for option, path in (*job.paths, *_places(job)):
        _check_form(option, path)
    if accelerator := job.given("model_accelerator"):
        _check_accelerator(accelerator)
    if job.runner == "DataflowRunner":
        _check_dataflow(job)
    elif job.runner in SUPPORTED:
        _check_portable(job)
    if any(path.startswith("gs://") for _, path in job.paths):
        _check_google()


def _places(job: Job) -> Iterator[tuple[str, str]]:
    for option in ("temp_location", "staging_location"):
        if place := job.given(option):
            yield f"--{option}", place


def _check_form(option: str, path: str) -> None:
    """A Google bucket has 3 to 63 characters (222 in all with dots): a-z, 0-9, ``-_.``."""
    if path.startswith("gs:"):
        bucket = path.removeprefix("gs://").split("/", 1)[0]
        rule = _BUCKET_WITH_DOTS if "." in bucket else _BUCKET
        labels = all(len(label) <= 63 for label in bucket.split("."))
        if not path.startswith("gs://") or not (rule.fullmatch(bucket) and labels):
            raise UsageError(
                f"{option} {path}: {bucket!r} is no bucket name; expected gs://BUCKET/FOLDER with "
                "a bucket of 3 to 63 characters a-z, 0-9, '-', '_' or '.', a letter or digit at "
                "both ends"
            )
    elif storage.is_remote(path) and (refusal := storage.refusal(path)):
        raise UsageError(
            f"{option} {path}: no way to this filesystem ({refusal}); install apache-beam's extra "
            "for it (gcp, aws, azure or hadoop)"
        )


def _check_accelerator(accelerator: str) -> None:
    if not _ACCELERATOR.fullmatch(accelerator):
        raise UsageError(
            f"--model_accelerator={accelerator}: expected "
            "'type:nvidia-tesla-t4;count:1;install-nvidia-driver' (in quotes)"
        )


def _check_google() -> None:
    if not endpoints.proxied() and (why := endpoints.silence(*STORAGE_HOST)):
        raise UsageError(
            f"{STORAGE_HOST[0]} does not answer ({why}), so gs:// paths cannot be read from here: "
            "check the network, or set HTTPS_PROXY"
        )


def _check_dataflow(job: Job) -> None:
    if importlib.util.find_spec("apitools") is None:
        raise UsageError("DataflowRunner needs Google's client: pip install 'inkstone[gcp]'")
    for option, example in NEEDED_BY_DATAFLOW.items():
        if not job.given(option):
            raise UsageError(f"DataflowRunner needs --{option}: add {example}")
    for option, path in (*job.paths, *_places(job)):
        if not path.startswith("gs://"):
            raise UsageError(
                f"{option} {path}: Dataflow's workers cannot see it; expected gs://BUCKET/FOLDER "
                f"(gcloud storage cp -r {path} gs://BUCKET/)"
            )
    if not any(job.given(option) for option in WAYS_TO_SHIP):
        raise UsageError(
            "Dataflow's workers would not have this package: add --sdk_container_image=IMAGE "
            "(docs/dataflow.md builds one), or --extra_package=the wheel"
        )


def _check_portable(job: Job) -> None:
    here = _cluster_is_here(job)
    if endpoint := job.given("job_endpoint"):
        if endpoint != "embed":
            _check_answers("--job_endpoint", endpoint, "start the job server first")
    else:
        _check_own_job_server(job)
    _check_environment(job, here)
    if not here or _environment(job, here) == "DOCKER":
        for option, path in job.paths:
            if not storage.is_remote(path) and not job.shared_filesystem:
                raise UsageError(
                    f"{option} {path}: a local path, but the workers are on other machines or in "
                    "containers; expected one like gs:// or hdfs://, or --shared-filesystem if "
                    "every worker sees the same files under that path"
                )


def _cluster_is_here(job: Job) -> bool:
    """Whether every address given is this machine's."""
    addresses = [job.given("job_endpoint").replace("embed", "")]
    if job.runner == "SparkRunner" and not addresses[0]:
        master = job.given("spark_master_url")
        if not master.startswith("spark://") and not _SPARK_LOCAL.fullmatch(master):
            return False
        if master.startswith("spark://"):
            addresses += master.removeprefix("spark://").split(",")
    if job.runner == "FlinkRunner" and job.given("flink_master") not in FLINK_DECIDES:
        addresses.append(re.sub(r"^https?://", "", job.given("flink_master")))
    return all(endpoints.is_here(address) for address in addresses if address)


def _check_own_job_server(job: Job) -> None:
    """What Beam needs to start a job server itself."""
    if job.runner == "PortableRunner":
        raise UsageError("PortableRunner needs --job_endpoint=HOST:PORT of a running job server")
    if job.runner == "PrismRunner":
        if why := beam_parts.missing_prism(job.given("prism_location")):
            raise UsageError(why)
        return
    spark = job.runner == "SparkRunner"
    if spark and job.options.get("spark_submit_uber_jar"):
        rest = re.sub(r"^https?://", "", job.given("spark_rest_url"))
        _check_answers("--spark_rest_url", rest, "start Spark's master with its REST server")
    missing = beam_parts.missing_java(job.given("job_server_java_launcher"), job.runner)
    option = "spark_job_server_jar" if spark else "flink_job_server_jar"
    artifact = beam_parts.artifact(None if spark else job.given("flink_version"))
    missing = missing or beam_parts.missing_jar(
        option, job.given(option), artifact, job.given("jar_cache_dir")
    )
    if missing:
        raise UsageError(missing)
    _check_master(job)


def _check_master(job: Job) -> None:
    if job.runner == "FlinkRunner":
        master = job.given("flink_master")
        if master not in FLINK_DECIDES:
            address = re.sub(r"^https?://", "", master)
            _check_answers("--flink_master", address, "start Flink first (its REST port)")
        return
    master = job.given("spark_master_url")
    if master == "yarn" or master.startswith("k8s://") or _SPARK_LOCAL.fullmatch(master):
        return
    if not master.startswith("spark://"):
        raise UsageError(
            f"--spark_master_url={master}: expected spark://HOST:PORT, local[N], yarn or k8s://..."
        )
    addresses = master.removeprefix("spark://").split(",")  # standby masters may be silent
    silent = [why for one in addresses if (why := _silence("--spark_master_url", one)) is not None]
    if len(silent) == len(addresses):
        raise UsageError(
            f"--spark_master_url={master}: no answer ({silent[0]}); start the master "
            "(spark-class org.apache.spark.deploy.master.Master), or correct host and port"
        )


def _environment(job: Job, here: bool) -> str:
    """The type that Beam takes: the one given, else its own default."""
    if given := job.given("environment_type"):
        return given.upper()
    own = job.given("job_endpoint") == "" and (
        _SPARK_LOCAL.fullmatch(job.given("spark_master_url"))
        if job.runner == "SparkRunner"
        else job.given("flink_master") in FLINK_DECIDES
    )
    if job.runner == "PrismRunner" or (here and own):
        return "LOOPBACK"
    return "DOCKER"


def _environment_option(job: Job, key: str) -> str:
    for option in job.options.get("environment_options") or ():
        if option.startswith(f"{key}="):
            return str(option.split("=", 1)[1])
    return job.given("environment_config")


def _check_environment(job: Job, here: bool) -> None:
    kind = _environment(job, here)
    if kind.startswith("BEAM:"):
        return  # the name of an environment that the user's runner knows
    if kind not in ENVIRONMENTS:
        near = difflib.get_close_matches(kind, ENVIRONMENTS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"--environment_type={kind}: expected {', '.join(ENVIRONMENTS)}{hint}")
    if kind == "LOOPBACK" and not here:
        raise UsageError(
            "--environment_type=LOOPBACK: workers on other machines cannot reach this one's "
            "loopback; expected EXTERNAL (a worker pool on each host) or DOCKER"
        )
    if kind == "EXTERNAL":
        address = _environment_option(job, "external_service_address")
        address = beam_parts.json_field(address, "url")
        host, _ = _endpoint("--environment_config", address)
        if here or not endpoints.is_loopback(host):
            start = "python -m apache_beam.runners.worker.worker_pool_main --service_port=PORT"
            _check_answers("--environment_config", address, f"on each worker start {start}")
    elif kind == "PROCESS":
        command = beam_parts.json_field(_environment_option(job, "process_command"), "command")
        if not command or (here and not beam_parts.is_program(command)):
            raise UsageError(
                f"--environment_type=PROCESS: {command or 'nothing'!r} is no program here; "
                "expected --environment_option=process_command=/path/to/boot"
            )
    elif kind == "DOCKER":
        image = _environment_option(job, "docker_container_image")
        if not (image or job.given("sdk_container_image")):
            raise UsageError(
                "--environment_type=DOCKER: Beam's own image does not hold this package; add "
                "--environment_config=IMAGE (docs/dataflow.md builds one), or take EXTERNAL"
            )
        if here and (why := beam_parts.missing_docker()):
            raise UsageError(f"--environment_type=DOCKER: {why}")


def _endpoint(option: str, address: str) -> tuple[str, int]:
    found = endpoints.split(address)
    if found is None:
        raise UsageError(f"{option}={address}: expected HOST:PORT, such as localhost:8099")
    return found


def _silence(option: str, address: str) -> str | None:
    return endpoints.silence(*_endpoint(option, address))


def _check_answers(option: str, address: str, advice: str) -> None:
    if why := _silence(option, address):
        raise UsageError(f"{option}={address}: no answer ({why}); {advice}, or correct it")
