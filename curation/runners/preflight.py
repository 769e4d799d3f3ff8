"""What a runner needs, looked for before any work: an answer in seconds instead of Beam's minutes.

Nothing is downloaded or started. A check that asks another machine gives up after three seconds.
"""

import importlib.util
import re
from collections.abc import Iterator

from curation import storage
from curation.failures.errors import UsageError
from curation.runners import endpoints, job_server
from curation.runners.job import SUPPORTED, Job

NEEDED_BY_DATAFLOW = {
    "project": "--project=PROJECT_ID",
    "region": "--region=europe-west1 or another near the bucket",
    "temp_location": "--temp_location=gs://BUCKET/temp",
}
WAYS_TO_SHIP = ("sdk_container_image", "setup_file", "extra_packages")
STORAGE_HOST = ("storage.googleapis.com", 443)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_BUCKET_WITH_DOTS = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_ACCELERATOR = re.compile(r"type:[^;\s]+;count:[1-9]\d*(;[^;\s]+)*")
_MEMORY = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?)?B")


def check(job: Job) -> None:
    """Raise ``UsageError`` for the first thing that would keep the job from running."""
    for option, path in (*job.paths, *_places(job)):
        _check_form(option, path)
    if accelerator := job.given("model_accelerator"):
        _check_accelerator(accelerator)
    if (memory := job.given("model_memory")) and not _MEMORY.fullmatch(memory):
        raise UsageError(f"--model_memory={memory}: expected a size such as 16GB or 7.5GiB")
    if job.runner == "DataflowRunner":
        _check_dataflow(job)
    elif job.runner in SUPPORTED:
        job_server.check(job)
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
        raise UsageError(f"{option} {path}: {refusal}")


def _check_accelerator(accelerator: str) -> None:
    if not _ACCELERATOR.fullmatch(accelerator):
        raise UsageError(
            f"--model_accelerator={accelerator}: expected "
            "'type:nvidia-l4;count:1;install-nvidia-driver' (in quotes)"
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
