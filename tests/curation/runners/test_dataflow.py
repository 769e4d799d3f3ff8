"""The real jobs for Dataflow, built without an account and without a network, and not sent."""

import base64
import bz2
import pickletools
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from apache_beam.portability.api import beam_runner_api_pb2
from making import memory_filesystem  # noqa: F401  (registers mem://)
from making.built_graphs import build, hints
from making.pipelines import CAPTIONED
from making.places import ROOT

from curation.configuration import loading
from curation.failures.exit_codes import exit_code_of
from curation.graphs import measuring
from curation.runners import endpoints, preflight, running
from curation.runners.job import Job
from curation.sources import plan

apiclient = pytest.importorskip(
    "apache_beam.runners.dataflow.internal.apiclient",
    reason="Dataflow's client is not installed: inkstone[gcp]",
    exc_type=ImportError,
)
IMAGE = "europe-west1-docker.pkg.dev/a-project/inkstone/worker:1"
ACCELERATOR = "type:nvidia-l4;count:1;install-nvidia-driver"
GIVEN = (
    *("--runner=DataflowRunner", "--dry_run=True", "--no_auth", "--project=a-project"),
    *("--region=europe-west1", "--temp_location=gs://a-bucket/temp"),
    *("--staging_location=gs://a-bucket/staging", f"--sdk_container_image={IMAGE}"),
    *("--sdk_location=container", f"--model_accelerator={ACCELERATOR}"),
    "--model_memory=16GB",
)
OUTPUT = "gs://a-bucket/curated"
Proto = Any  # beam_runner_api_pb2.Pipeline, generated


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> loading.Pipeline:
    path = tmp_path_factory.mktemp("configuration") / "pipelines.yaml"
    path.write_text(CAPTIONED, encoding="utf-8")
    return loading.load(str(path), "curate")


@pytest.fixture(scope="module")
def jobs(pipeline: loading.Pipeline) -> dict[str, Any]:
    """What Beam would send, by graph: ``runner.job`` and ``runner.proto_pipeline``."""

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"a dry run connects to {arguments}")

    arguments = [*running.defaults(GIVEN, None), *GIVEN]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        built = build(OUTPUT, pipeline, arguments, patch)
        for root in built.values():
            root.run()
    return {name: root.runner for name, root in built.items()}


def protos(jobs: dict[str, Any]) -> Iterator[tuple[str, Proto]]:
    for name, runner in jobs.items():
        yield name, runner.proto_pipeline


def test_the_options_pass_our_own_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "silence", lambda host, port: None)
    running.refuse_unknown(GIVEN)
    name, options = running.runner_of(GIVEN), running.options_of(GIVEN)
    preflight.check(Job(name, options, ("gs://a-bucket/raw",), OUTPUT))


def test_every_job_is_built_for_the_service(jobs: dict[str, Any]) -> None:
    """The description that would be sent: type, project, pool of workers, image."""
    assert set(jobs) == {"measure", "models", "judge", "partitioned", "shards"}
    for runner in jobs.values():
        assert "JOB_TYPE_BATCH" in str(runner.job.proto)
        described = apiclient.Environment(
            packages=[],
            options=runner.job.options,
            environment_version="8",
            proto_pipeline_staged_url="gs://a-bucket/staging/pipeline.pb",
            proto_pipeline=runner.proto_pipeline,
        )
        told = str(described.proto)
        assert IMAGE in told and "a-project" in told and "gs://a-bucket/temp" in told


def test_workers_run_our_image_and_get_nothing_of_the_driver(jobs: dict[str, Any]) -> None:
    for _, proto in protos(jobs):
        for environment in proto.components.environments.values():
            payload = beam_runner_api_pb2.DockerPayload.FromString(environment.payload)
            assert (environment.urn, payload.container_image) == ("beam:env:docker:v1", IMAGE)
            staged = b" ".join(entry.role_payload for entry in environment.dependencies)
            assert b"pickled_main_session" not in staged


def test_the_captioners_step_alone_asks_for_the_accelerator(jobs: dict[str, Any]) -> None:
    """As the service is sent it; models that need none look from machines without."""
    asked = {name: hints(proto) for name, proto in protos(jobs)}
    memory = {"min_ram_bytes": "16000000000"}
    accelerated = memory | {"accelerator": ACCELERATOR}
    assert asked.pop("models") == {"Models": memory, "Accelerated models": accelerated}
    assert [*filter(None, asked.values())] == []


def pickled_steps(proto: Proto) -> Iterator[tuple[str, bytes, str]]:
    """Name, pickle and environment of every step."""
    for transform in proto.components.transforms.values():
        if transform.spec.urn == "beam:transform:pardo:v1":
            payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
            data = bz2.decompress(base64.b64decode(payload.do_fn.payload))
            yield transform.unique_name, data, transform.environment_id


def words(data: bytes) -> set[str]:
    return {word for _, word, _ in pickletools.genops(data) if isinstance(word, str)}


def sources(data: bytes) -> set[str]:
    """The source files whose functions travel by value."""
    return {word for word in words(data) if word.endswith(".py")}


def test_our_code_travels_by_name_not_by_value(jobs: dict[str, Any]) -> None:
    """Beam itself sends lambdas of its own."""
    ours = set()
    for _, proto in protos(jobs):
        for step, data, _ in pickled_steps(proto):
            assert "__main__" not in words(data), step
            assert [name for name in sources(data) if "/apache_beam/" not in name] == [], step
            assert len(data) < 10_000, step
            if any(word.startswith("curation.") for word in words(data)):
                ours.add(step)
    assert {
        "Units",
        "Measure",
        "Models",
        "Accelerated models",
        "Shards",
        "Gather",
        "Manifest",
        "Judge",
    } <= ours


def test_code_by_value_would_be_seen() -> None:
    from apache_beam.internal import pickler

    data = bz2.decompress(base64.b64decode(pickler.dumps(lambda unit: unit)))
    assert sources(data) == {__file__}


def test_the_graph_does_not_grow_with_the_inputs(
    pipeline: loading.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    for count in (1, 5000):
        plan.write_names("mem://out", (f"{number:016x}" for number in range(count)))
        built = build("mem://out", pipeline, ["--runner=FnApiRunner"], monkeypatch)
        sizes.append({name: root.to_runner_api().ByteSize() for name, root in built.items()})
    grown = {name: sizes[1][name] - sizes[0][name] for name in sizes[0]}
    assert {name: size for name, size in grown.items() if abs(size) > 100} == {}
    assert len(plan.read_names("mem://out")) == 5000


def test_the_image_is_of_the_beam_that_is_pinned() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    (beam,) = [line for line in lock.splitlines() if line.startswith("apache-beam==")]
    recipe = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"_sdk:{beam.removeprefix('apache-beam==')}" in recipe


def test_a_job_that_fails_is_told_like_any_other(
    pipeline: loading.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apache_beam import Pipeline
    from apache_beam.runners.dataflow.dataflow_runner import DataflowRuntimeException

    def fail(*arguments: object) -> None:
        raise DataflowRuntimeException("...\nVersionError: the driver runs inkstone 2", None)

    monkeypatch.setattr(Pipeline, "run", fail)
    with pytest.raises(RuntimeError) as caught:
        measuring.measure_units(OUTPUT, pipeline, GIVEN)
    assert exit_code_of(caught.value) == (2, "the driver runs inkstone 2")
