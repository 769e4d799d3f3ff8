"""How a job's workers run our code: Beam's environment types and what each needs."""

import difflib

from curation.failures.errors import UsageError
from curation.runners import beam_parts, endpoints
from curation.runners.job import SPARK_LOCAL, Job

ENVIRONMENTS = ("DOCKER", "PROCESS", "EXTERNAL", "LOOPBACK")


def kind(job: Job, here: bool) -> str:
    """The type that Beam takes: the one given, else its own default."""
    if given := job.given("environment_type"):
        return given.upper()
    own = (
        job.runner == "SparkRunner"
        and job.given("job_endpoint") == ""
        and SPARK_LOCAL.fullmatch(job.given("spark_master_url"))
    )
    if job.runner == "PrismRunner" or (here and own):
        return "LOOPBACK"
    return "DOCKER"


def _option(job: Job, key: str) -> str:
    for option in job.options.get("environment_options") or ():
        if option.startswith(f"{key}="):
            return str(option.split("=", 1)[1])
    return job.given("environment_config")


def check(job: Job, here: bool) -> None:
    """Raise ``UsageError`` for the first thing that is missing."""
    chosen = kind(job, here)
    if chosen.startswith("BEAM:"):
        return  # the name of an environment that the user's runner knows
    if chosen not in ENVIRONMENTS:
        near = difflib.get_close_matches(chosen, ENVIRONMENTS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"--environment_type={chosen}: expected {', '.join(ENVIRONMENTS)}{hint}")
    if chosen == "LOOPBACK" and not here:
        raise UsageError(
            "--environment_type=LOOPBACK: workers on other machines cannot reach this one's "
            "loopback; expected EXTERNAL (a worker pool on each host) or DOCKER"
        )
    if chosen in _CHECKS:
        _CHECKS[chosen](job, here)


def _check_external(job: Job, here: bool) -> None:
    address = _option(job, "external_service_address")
    address = beam_parts.json_field(address, "url")
    host, _ = endpoints.require_form("--environment_config", address)
    if here or not endpoints.is_loopback(host):
        start = "python -m apache_beam.runners.worker.worker_pool_main --service_port=PORT"
        endpoints.require("--environment_config", address, f"on each worker start {start}")


def _check_process(job: Job, here: bool) -> None:
    command = beam_parts.json_field(_option(job, "process_command"), "command")
    if not command or (here and not beam_parts.is_program(command)):
        raise UsageError(
            f"--environment_type=PROCESS: {command or 'nothing'!r} is no program here; "
            "expected --environment_option=process_command=/path/to/boot"
        )


def _check_docker(job: Job, here: bool) -> None:
    image = _option(job, "docker_container_image")
    if not (image or job.given("sdk_container_image")):
        raise UsageError(
            "--environment_type=DOCKER: Beam's own image does not hold this package; add "
            "--environment_config=IMAGE (docs/dataflow.md builds one), or take EXTERNAL"
        )
    if here and (why := beam_parts.missing_docker()):
        raise UsageError(f"--environment_type=DOCKER: {why}")


_CHECKS = {"EXTERNAL": _check_external, "PROCESS": _check_process, "DOCKER": _check_docker}
