"""A run is refused within seconds, with what is missing, before any work."""

import socket
import threading
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from curation import command
from curation.failures.commands import guarded
from curation.failures.errors import UsageError
from curation.runners import beam_parts, endpoints, preflight, running
from curation.runners.job import LOCAL, Job, runner_name

BEAM = version("apache-beam")
needs_google = pytest.mark.skipif(
    find_spec("apitools") is None, reason="Google's client is not installed: inkstone[gcp]"
)
DATAFLOW = ("--project=a-project", "--region=europe-west1", "--temp_location=gs://bucket/temp")


@pytest.fixture
def port() -> Iterator[int]:
    """Something on this machine that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port of this machine where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    path = tmp_path / "job-server.jar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "")
    return path


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The programs that this machine seems to have."""
    found = {"java"}
    monkeypatch.setattr(beam_parts, "is_program", lambda name: name in found)
    return found


def check(*arguments: str, inputs: tuple[str, ...] = ("in",), shared: bool = False) -> None:
    output = "gs://bucket/out" if "DataflowRunner" in arguments[0] else "out"
    given = list(arguments)
    running.refuse_unknown(given)
    name, options = running.runner_of(given), running.options_of(given)
    preflight.check(Job(name, options, inputs, output, shared))


def refusal(*arguments: str, inputs: tuple[str, ...] = ("in",), shared: bool = False) -> str:
    with pytest.raises(UsageError) as caught:
        check(*arguments, inputs=inputs, shared=shared)
    return str(caught.value)


@pytest.mark.parametrize("name", ["", "local", "DirectRunner", "FnApiRunner", "directrunner"])
def test_local_names_mean_the_local_runner(name: str) -> None:
    assert runner_name(name) == LOCAL
    check(f"--runner={name}")


@pytest.mark.parametrize(
    ("given", "nearest"), [("SparkRuner", "SparkRunner"), ("dataflw", "DataflowRunner")]
)
def test_unknown_runner_names_the_nearest(given: str, nearest: str) -> None:
    told = refusal(f"--runner={given}")
    assert given in told and f"did you mean {nearest}?" in told


def test_beams_short_spelling_is_taken() -> None:
    assert runner_name("spark") == "SparkRunner"
    assert runner_name("my.own.Runner") == "my.own.Runner"


@pytest.mark.parametrize(
    ("argument", "nearest"),
    [("--spark_mastr_url=x", "--spark_master_url"), ("--job_endpiont=a:1", "--job_endpoint")],
)
def test_a_typing_error_names_the_nearest_option(argument: str, nearest: str) -> None:
    assert f"did you mean {nearest}?" in refusal("--runner=SparkRunner", argument)


def test_options_of_java_are_taken_for_their_runner_alone() -> None:
    running.refuse_unknown(["--runner=SparkRunner", "--cache_disabled=true"])
    assert "--cache_disabled?" in refusal("--runner=SparkRunner", "--cache_disable=true")
    assert "storage_level" in refusal("--runner=PrismRunner", "--storage_level=MEMORY_ONLY")
    assert "cache_disabled" in refusal("--cache_disabled=true")


def test_a_wrong_value_is_refused_in_words() -> None:
    assert "--spark_version" in refusal("--runner=SparkRunner", "--spark_version=9")


def test_a_runner_that_was_never_tried_is_not_offered() -> None:
    told = refusal("--runner=FlinkRunner")
    assert told.startswith("--runner=FlinkRunner: expected one of local,")
    assert "Flink" not in told.removeprefix("--runner=FlinkRunner")


def test_spark_without_java(programs: set[str], jar: Path) -> None:
    programs.clear()
    told = refusal("--runner=SparkRunner", f"--spark_job_server_jar={jar}")
    assert "needs Java" in told and "--job_endpoint" in told


def test_a_missing_jar_is_named_with_its_place(tmp_path: Path) -> None:
    told = refusal("--runner=SparkRunner", f"--jar_cache_dir={tmp_path}")
    name = "beam-runners-spark-3-job-server"
    assert str(tmp_path / f"{name}-{BEAM}.jar") in told
    assert f"https://repo.maven.apache.org/maven2/org/apache/beam/{name}/" in told
    absent = refusal("--runner=SparkRunner", "--spark_job_server_jar=absent.jar")
    assert "absent.jar is no file here" in absent


def test_a_jar_in_beams_cache_is_enough(jar: Path, tmp_path: Path) -> None:
    jar.rename(tmp_path / f"beam-runners-spark-3-job-server-{BEAM}.jar")
    check("--runner=SparkRunner", f"--jar_cache_dir={tmp_path}")


def test_a_jar_cut_off_is_no_jar(jar: Path) -> None:
    jar.write_bytes(jar.read_bytes()[:40])
    assert "no jar" in refusal("--runner=SparkRunner", f"--spark_job_server_jar={jar}")


def test_spark_master(jar: Path, port: int, closed: int) -> None:
    spark = ("--runner=SparkRunner", f"--spark_job_server_jar={jar}")
    pool = ("--environment_type=EXTERNAL", f"--environment_config=localhost:{port}")
    check(*spark, f"--spark_master_url=spark://localhost:{port}", *pool)
    check(*spark, f"--spark_master_url=spark://localhost:{closed},localhost:{port}", *pool)
    silent = refusal(*spark, f"--spark_master_url=spark://localhost:{closed}", *pool)
    assert f"localhost:{closed}" in silent and "no answer" in silent
    assert "HOST:PORT" in refusal(*spark, "--spark_master_url=spark://localhost", *pool)
    assert "spark://HOST:PORT" in refusal(*spark, "--spark_master_url=localhost:7077", *pool)


def test_worker_pool(jar: Path, port: int, closed: int) -> None:
    spark = ("--runner=SparkRunner", f"--spark_job_server_jar={jar}")
    external = (*spark, "--environment_type=EXTERNAL")
    assert "expected HOST:PORT" in refusal(*external, "--environment_config=localhost")
    told = refusal(*external, f"--environment_config=localhost:{closed}")
    assert "worker_pool_main" in told
    check(*external, f'--environment_config={{"url": "localhost:{port}"}}')
    check(*external, f"--environment_option=external_service_address=localhost:{port}")
    assert "did you mean EXTERNAL?" in refusal(*spark, "--environment_type=EXTERNL")


def test_job_endpoint(port: int, closed: int) -> None:
    portable = ("--runner=PortableRunner", "--environment_type=LOOPBACK")
    assert "--job_endpoint" in refusal(*portable)
    assert "expected HOST:PORT" in refusal(*portable, "--job_endpoint=localhost")
    assert "no answer" in refusal(*portable, f"--job_endpoint=localhost:{closed}")
    check(*portable, f"--job_endpoint=localhost:{port}")


def test_prism_is_never_downloaded(tmp_path: Path) -> None:
    told = refusal("--runner=PrismRunner")
    assert "go install github.com/apache/beam/sdks/v2/go/cmd/prism" in told
    assert "nowhere" in refusal("--runner=PrismRunner", "--prism_location=nowhere")
    binary = tmp_path / "prism"
    binary.write_bytes(b"")
    binary.chmod(0o755)
    check("--runner=PrismRunner", f"--prism_location={binary}")


def test_docker_needs_an_image_client_and_engine(programs: set[str], port: int) -> None:
    portable = ("--runner=PortableRunner", f"--job_endpoint=localhost:{port}")
    assert "does not hold this package" in refusal(*portable)  # Docker is Beam's default
    image = (*portable, "--environment_config=image")
    assert "no docker client" in refusal(*image)


def test_docker_whose_engine_is_silent(
    tmp_path: Path, programs: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.add("docker")
    fake = tmp_path / "docker"
    fake.write_text("#!/bin/sh\necho cannot connect >&2\nexit 1\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert "cannot connect" in (beam_parts.missing_docker() or "")
    fake.write_text("#!/bin/sh\necho 28.0\n", encoding="utf-8")
    assert beam_parts.missing_docker() is None


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """A cluster on another machine, which answers."""
    monkeypatch.setattr(endpoints, "silence", lambda host, port: None)
    monkeypatch.setattr(endpoints, "_addresses", lambda host: frozenset({f"address of {host}"}))
    return "cluster.example:8099"


def test_local_paths_need_a_promise_when_workers_are_elsewhere(elsewhere: str) -> None:
    portable = ("--runner=PortableRunner", f"--job_endpoint={elsewhere}")
    pool = (*portable, "--environment_type=EXTERNAL", "--environment_config=localhost:50000")
    told = refusal(*pool)
    assert "--input in" in told and "--shared-filesystem" in told
    check(*pool, shared=True)
    told = refusal(*portable, "--environment_type=LOOPBACK", shared=True)
    assert "cannot reach" in told


def test_local_paths_are_not_in_a_container(programs: set[str], port: int) -> None:
    programs.add("docker")
    image = (f"--job_endpoint=localhost:{port}", "--environment_config=image")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beam_parts, "missing_docker", lambda: None)
        assert "--shared-filesystem" in refusal("--runner=PortableRunner", *image)
        check("--runner=PortableRunner", *image, shared=True)


@needs_google
def test_dataflow_wants_its_options_one_by_one(elsewhere: str) -> None:
    given = ["--runner=DataflowRunner"]
    for option in DATAFLOW:
        name = option.split("=")[0]
        assert f"needs {name}" in refusal(*given, inputs=("gs://bucket/in",))
        given.append(option)
    assert "--sdk_container_image" in refusal(*given, inputs=("gs://bucket/in",))
    given.append("--sdk_container_image=europe-docker.pkg.dev/a-project/inkstone/worker:1")
    check(*given, inputs=("gs://bucket/in",))
    assert "cannot see it" in refusal(*given, inputs=("in",), shared=True)


@pytest.mark.parametrize(
    "path",
    [
        *("gs:/bucket/in", "gs://", "gs:///in", "gs://ab/in", "gs://Bucket/in", "gs://bucket-/in"),
        *("gs://-bucket/in", "gs://buck et/in", f"gs://{64 * 'a'}/in", f"gs://a.{64 * 'b'}/in"),
    ],
)
def test_ill_formed_bucket(path: str) -> None:
    assert "bucket" in refusal("--runner=local", inputs=(path,))
    assert "bucket" in refusal("--runner=local", f"--staging_location={path}")


@pytest.mark.parametrize(
    "bucket",
    ["abc", "a_b-c.d", "0" * 63, f"{'a' * 63}.{'b' * 63}", "bücket".encode("idna").decode()],
)
def test_well_formed_bucket(bucket: str, elsewhere: str) -> None:
    check("--runner=local", inputs=(f"gs://{bucket}", f"gs://{bucket}/a folder/*.jpg"))


def test_a_silent_network_is_told_before_beam_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "silence", lambda host, port: "no route")
    monkeypatch.setattr(endpoints, "proxied", lambda: False)
    told = refusal("--runner=local", inputs=("gs://bucket/in",))
    assert "storage.googleapis.com" in told and "no route" in told


def test_scheme_without_filesystem() -> None:
    assert "no way to this filesystem" in refusal("--runner=local", inputs=("ftp://host/in",))


@needs_google
def test_accelerator_is_well_formed(elsewhere: str) -> None:
    given = ("--runner=DataflowRunner", *DATAFLOW, "--sdk_container_image=i")
    good = "type:nvidia-l4;count:1;install-nvidia-driver"
    check(*given, f"--model-accelerator={good}", inputs=("gs://bucket/in",))
    told = refusal(*given, "--model_accelerator=nvidia-l4", inputs=("gs://bucket/in",))
    assert good in told


def test_memory_is_well_formed() -> None:
    check("--runner=local", "--model-memory=7.5 GiB")
    assert "expected a size such as 16GB" in refusal("--runner=local", "--model-memory=16")


def test_names_that_never_resolve_do_not_hang() -> None:
    assert endpoints.silence("no-such-host.invalid", 1) is not None
    assert not endpoints.is_here("no-such-host.invalid:1")
    assert endpoints.is_here("127.0.0.1:1") and endpoints.is_here(socket.gethostname())


@pytest.mark.parametrize("address", ["a", "a:", ":1", "a:0", "a:65536", "a b:1", "http://a:1"])
def test_what_is_no_address(address: str) -> None:
    assert endpoints.split(address) is None


def test_an_address_taken_apart() -> None:
    assert endpoints.split("a-host:8099") == ("a-host", 8099)
    assert endpoints.split("[::1]:80") == ("::1", 80)


def test_the_command_answers_with_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    given = ["run", "-i", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--runner=SparkRuner"]
    assert guarded("beam", lambda **options: command.app(given, **options)) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "did you mean SparkRunner?" in line
    assert not (tmp_path / "out").exists()


def test_a_question_without_an_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a name that no server resolves, or a network that drops packets."""
    asked = threading.Event()
    monkeypatch.setattr(endpoints, "SECONDS", 0.01)

    def wait(*arguments: object) -> socket.socket:
        asked.wait()
        return socket.socket()

    monkeypatch.setattr(socket, "create_connection", wait)
    told = endpoints.silence("anywhere", 1)
    asked.set()
    assert told is not None and "nothing within" in told
