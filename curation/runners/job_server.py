"""Runners that talk to a job server: Spark, Prism, or any other by its address."""

import re

from curation import storage
from curation.failures.errors import UsageError
from curation.runners import beam_parts, endpoints, environment
from curation.runners.job import SPARK_LOCAL, Job


def check(job: Job) -> None:
    """Raise ``UsageError`` for the first thing that is missing."""
    here = _cluster_is_here(job)
    if endpoint := job.given("job_endpoint"):
        if endpoint != "embed":
            endpoints.require("--job_endpoint", endpoint, "start the job server first")
    else:
        _check_own_job_server(job)
    environment.check(job, here)
    if not here or environment.kind(job, here) == "DOCKER":
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
        if not master.startswith("spark://") and not SPARK_LOCAL.fullmatch(master):
            return False
        if master.startswith("spark://"):
            addresses += master.removeprefix("spark://").split(",")
    return all(endpoints.is_here(address) for address in addresses if address)


def _check_own_job_server(job: Job) -> None:
    """What Beam needs to start a job server itself."""
    if job.runner == "PortableRunner":
        raise UsageError("PortableRunner needs --job_endpoint=HOST:PORT of a running job server")
    if job.runner == "PrismRunner":
        if why := beam_parts.missing_prism(job.given("prism_location")):
            raise UsageError(why)
        return
    if job.options.get("spark_submit_uber_jar"):
        rest = re.sub(r"^https?://", "", job.given("spark_rest_url"))
        endpoints.require("--spark_rest_url", rest, "start Spark's master with its REST server")
    missing = beam_parts.missing_java(job.given("job_server_java_launcher"))
    missing = missing or beam_parts.missing_jar(
        job.given("spark_job_server_jar"), job.given("jar_cache_dir")
    )
    if missing:
        raise UsageError(missing)
    _check_master(job)


def _check_master(job: Job) -> None:
    master = job.given("spark_master_url")
    if master == "yarn" or master.startswith("k8s://") or SPARK_LOCAL.fullmatch(master):
        return
    if not master.startswith("spark://"):
        raise UsageError(
            f"--spark_master_url={master}: expected spark://HOST:PORT, local[N], yarn or k8s://..."
        )
    addresses = master.removeprefix("spark://").split(",")  # standby masters may be silent
    answers = [endpoints.silence_of("--spark_master_url", address) for address in addresses]
    silent = [why for why in answers if why is not None]
    if len(silent) == len(addresses):
        raise UsageError(
            f"--spark_master_url={master}: no answer ({silent[0]}); start the master "
            "(spark-class org.apache.spark.deploy.master.Master), or correct host and port"
        )
