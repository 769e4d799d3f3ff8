"""What leaves a step: names, numbers and columns, never a picture; and whose code the steps run."""

import ast
import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor
from apache_beam.runners.portability.fn_api_runner import execution
from making.built_graphs import build, hints
from making.collection import drawing, encoded
from making.pipelines import CAPTIONED, TWO_STAGES, WITHOUT_MODELS, pipeline_text
from making.places import ROOT
from making.runs import run_in_process

import curation
from curation import shard
from curation.configuration import loading
from curation.graphs import judging, near_duplicates
from curation.runners import fingerprint, running
from curation.runners.fingerprint import VersionError

READ_PICTURES = {"sources", "picture", "gather", "originals", "measure"}
LOCAL = ["--runner=FnApiRunner"]
ACCELERATOR = "type:nvidia-l4;count:1;install-nvidia-driver"
PICTURES = 40


@pytest.fixture
def pipeline(tmp_path: Path) -> loading.Pipeline:
    path = tmp_path / "pipelines.yaml"
    text = pipeline_text(
        TWO_STAGES, top=["quotas: {q: {by: synthetic, share: {true: 0.05}, since: s2}}"]
    )
    path.write_text(text, encoding="utf-8")
    return loading.load(str(path), "curate")


@pytest.fixture
def graphs(
    tmp_path: Path, pipeline: loading.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> dict[str, beam.Pipeline]:
    return build(str(tmp_path / "out"), pipeline, LOCAL, monkeypatch)


class _Collector(PipelineVisitor):
    def __init__(self) -> None:
        self.found: list[AppliedPTransform] = []

    def visit_transform(self, transform_node: AppliedPTransform) -> None:
        self.found.append(transform_node)

    enter_composite_transform = visit_transform


def transforms(graphs: dict[str, beam.Pipeline]) -> Iterator[AppliedPTransform]:
    for root in graphs.values():
        collector = _Collector()
        root.visit(collector)
        yield from collector.found


def steps(graphs: dict[str, beam.Pipeline]) -> Iterator[tuple[beam.DoFn, AppliedPTransform]]:
    for node in transforms(graphs):
        if isinstance(node.transform, beam.ParDo):
            yield node.transform.fn, node


def reads_pictures(step: beam.DoFn) -> bool:
    """Whether the step's class names a module through which picture bytes come."""
    tree = ast.parse(inspect.getsource(type(step)))
    return bool({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & READ_PICTURES)


def test_steps_that_read_pictures_yield_names_and_manifest_lines(
    graphs: dict[str, beam.Pipeline],
) -> None:
    yielded = {
        type(step).__name__: output.element_type
        for step, node in steps(graphs)
        if type(step).__module__.startswith("curation") and reads_pictures(step)
        for output in node.outputs.values()
    }
    pair = beam.typehints.Tuple
    assert yielded == {
        "MeasureUnit": pair[str, int],
        "RunModels": pair[str, int],
        "GatherShard": pair[str, shard.ShardInfo],
    }


def test_bytes_come_from_judging_alone_which_reads_no_picture(
    graphs: dict[str, beam.Pipeline],
) -> None:
    """There they are columns of numbers."""
    modules = {
        type(step).__module__
        for step, node in steps(graphs)
        for output in node.outputs.values()
        if "bytes" in str(output.element_type) and not _is_beams(step)
    }
    assert modules == {near_duplicates.__name__}
    imported = {
        alias.name
        for module in (near_duplicates, judging)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported & READ_PICTURES == set()


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], {}),
        (["--model_memory=16GB"], {"Models": {"min_ram_bytes": "16000000000"}}),
        (
            ["--model_memory=16GB", f"--model_accelerator={ACCELERATOR}"],
            {
                "Models": {"min_ram_bytes": "16000000000"},
                "Accelerated models": {
                    "min_ram_bytes": "16000000000",
                    "accelerator": ACCELERATOR,
                },
            },
        ),
    ],
)
def test_models_that_use_a_gpu_ask_for_one_in_a_step_of_their_own(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    asked: dict[str, dict[str, str]],
) -> None:
    path = tmp_path / "pipelines.yaml"
    path.write_text(CAPTIONED, encoding="utf-8")
    captioned = loading.load(str(path), "curate")
    built = build(str(tmp_path / "out"), captioned, [*LOCAL, *arguments], monkeypatch)
    seen = {name: hints(root.to_runner_api()) for name, root in built.items()}
    assert seen.pop("models") == asked
    assert [*filter(None, seen.values())] == []


def test_without_models_that_use_a_gpu_there_is_one_step_of_models(
    tmp_path: Path, pipeline: loading.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [*LOCAL, f"--model_accelerator={ACCELERATOR}"]
    built = build(str(tmp_path / "out"), pipeline, arguments, monkeypatch)
    assert hints(built["models"].to_runner_api()) == {}


def _is_beams(step: beam.DoFn) -> bool:
    return type(step).__module__.startswith("apache_beam")


def test_every_shuffle_has_a_declared_element(graphs: dict[str, beam.Pipeline]) -> None:
    """An undeclared element would be pickled, whatever it held."""
    shuffled = {
        node.full_label: str(node.inputs[0].element_type)
        for node in transforms(graphs)
        if isinstance(node.transform, beam.GroupByKey) and "Balance" not in node.full_label
    }
    assert {"All", "Tables"} <= {name.rsplit("/", 1)[-1] for name in shuffled}
    assert {name: kind for name, kind in shuffled.items() if "Any" in kind} == {}


def test_no_step_has_a_side_input(graphs: dict[str, beam.Pipeline]) -> None:
    assert [node.full_label for node in transforms(graphs) if node.side_inputs] == []


def shuffled_bytes(folder: Path, output: Path, patch: pytest.MonkeyPatch) -> int:
    """Bytes that left one stage for another in a whole run: every shuffle, every hand-over."""
    total = [0]
    for buffer in (execution.GroupingBuffer, execution.ListBuffer):
        append = buffer.append

        def counted(self: object, data: bytes, append: object = append) -> None:
            total[0] += len(data)
            append(self, data)  # type: ignore[operator]

        patch.setattr(buffer, "append", counted)
    verdicts = run_in_process(folder, output)
    patch.undo()
    assert len(verdicts) == PICTURES
    return total[0]


def with_ballast(picture: bytes, count: int) -> bytes:
    """The same JPEG with so many comments of 50 kB behind its first marker."""
    comment = b"\xff\xfe" + (50_002).to_bytes(2, "big") + b"c" * 50_000
    return picture[:2] + comment * count + picture[2:]


@pytest.mark.parametrize("partitioned", [False, True])
def test_what_is_shuffled_does_not_grow_with_the_pictures(
    partitioned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [encoded(drawing(seed)) for seed in range(PICTURES)]
    found, sizes = [], []
    for ballast in (0, 8):
        folder = tmp_path / f"in{ballast}"
        folder.mkdir()
        for number, picture in enumerate(pictures):
            (folder / f"{number:03}.jpg").write_bytes(with_ballast(picture, ballast))
        sizes.append(sum(path.stat().st_size for path in folder.iterdir()))
        if partitioned:
            monkeypatch.setattr(judging, "ROWS_PER_PARTITION", PICTURES // 2)
        found.append(shuffled_bytes(folder, tmp_path / f"out{ballast}", monkeypatch))
    assert sizes[1] > 10 * sizes[0]
    assert 0 < found[1] < 1.05 * found[0]
    assert found[1] / PICTURES < (1000 if partitioned else 200)


def test_the_same_files_have_one_fingerprint_wherever_they_lie(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "curation", tmp_path / "curation")
    assert told_by_worker(tmp_path) == ""
    (tmp_path / "curation" / "notes.txt").write_text("not code", encoding="utf-8")
    assert told_by_worker(tmp_path) == ""


@pytest.mark.parametrize("change", ["edit", "add", "remove", "rename"])
def test_another_file_of_ours_is_told(change: str, tmp_path: Path) -> None:
    package = tmp_path / "curation"
    shutil.copytree(ROOT / "curation", package)
    entropy = package / "signals" / "entropy.py"
    if change == "edit":
        entropy.write_text(entropy.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    elif change == "add":
        (package / "signals" / "new.py").write_text("", encoding="utf-8")
    elif change == "remove":
        entropy.unlink()
    else:
        entropy.rename(package / "signals" / "disorder.py")
    told = told_by_worker(tmp_path)
    assert str(package / "__init__.py") in told and "source files" in told
    assert fingerprint.here().digest in told and "wheel" in told


def test_another_version_is_told(tmp_path: Path) -> None:
    package = tmp_path / "curation"
    shutil.copytree(ROOT / "curation", package)
    release = package / "release.py"
    text = release.read_text(encoding="utf-8").replace(curation.__version__, "0.0.9")
    release.write_text(text, encoding="utf-8")
    told = told_by_worker(tmp_path)
    assert f"driver runs inkstone {curation.__version__}" in told and "worker 0.0.9" in told


def told_by_worker(path: Path) -> str:
    """What ``check`` says in a process that finds its ``curation`` below ``path``."""
    driver = fingerprint.here()
    code = f"""
from curation.runners import fingerprint
try:
    fingerprint.check(fingerprint.{driver!r})
except fingerprint.VersionError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=path,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


THREAD = "import threading, time; "
THREAD += "threading.Thread(target=time.sleep, args=(300,), daemon=True).start(); "


@pytest.mark.parametrize("kind", ["other files", "almost empty", "forked"])
def test_a_stray_folder_beside_the_workers_stops_the_run(kind: str, tmp_path: Path) -> None:
    """Workers look for modules in their working directory first; forked ones look for none.

    A driver with threads may not be forked.
    """
    stray = tmp_path / "curation"
    if kind == "other files":
        shutil.copytree(ROOT / "curation", stray)
        (stray / "more.py").write_text("", encoding="utf-8")
    else:
        stray.mkdir()
        (stray / "__init__.py").write_text('__version__ = "0.0.1"\n', encoding="utf-8")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(encoded(drawing(1)))
    (tmp_path / "pipelines.yaml").write_text(WITHOUT_MODELS, encoding="utf-8")
    command = f"import sys; sys.path[:1] = [{str(ROOT)!r}]; from curation.command import main; "
    command += "sys.argv[0] = 'beam'; main()"
    if kind != "forked":
        command = THREAD + command
    arguments = ["run", "-i", "in", "-o", "out", "--workers=1", "--config=pipelines.yaml"]
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments, "--direct_running_mode=multi_processing"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    told = done.stderr.strip().splitlines()[-1]
    assert done.returncode == (0 if kind == "forked" else 2), done.stderr
    if kind == "forked":
        return
    assert "curation" in told and "wheel" in told and "curation/ of its own" in told


def test_a_failure_to_load_us_is_told_apart_from_others() -> None:
    lost = RuntimeError("...\nModuleNotFoundError: No module named 'curation.graphs.steps'\n")
    assert isinstance(running._explained(lost), VersionError)
    older = (
        "AttributeError: Can't get attribute 'X' on <module 'curation.graphs.steps' from '/a.py'>"
    )
    assert isinstance(running._explained(RuntimeError(older)), VersionError)
    for text in ("No module named 'torch'", "module 'curation.sources.plan' has no attribute 'x'"):
        other = RuntimeError(f"AttributeError: {text}")
        assert running._explained(other) is other
