"""What a user's own mistakes and a full disk look like: an exit code, one line, no traceback."""

import json
import os
import resource
from pathlib import Path

import pytest
from making import memory_filesystem
from making.collection import drawing, encoded, make_folder
from making.pipelines import TWO_STAGES, WITHOUT_MODELS, pipeline_text
from making.runs import digests, ledger_rows, run_in_process

from curation import command, storage
from curation.failures.commands import guarded
from curation.failures.errors import TooLargeError
from curation.failures.exit_codes import exit_code_of
from curation.networks import weights
from curation.output import column_files
from curation.storage import names


def beam(*arguments: str) -> int:
    return guarded("beam", lambda **options: command.app(list(arguments), **options))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "pipelines.yaml"
    path.write_text(WITHOUT_MODELS, encoding="utf-8")
    return path


def one_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line]
    assert len(lines) == 1 and "Traceback" not in text, text
    return lines[0]


def test_unknown_key_names_file_line_and_nearest(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = WITHOUT_MODELS.replace("bounds:", "boundz:", 1)
    config.write_text(text, encoding="utf-8")
    assert beam("run", "-i", str(tmp_path), "-o", str(tmp_path / "o"), "--config", str(config)) == 2
    told = one_line(capsys.readouterr().err)
    line = text.splitlines().index("        boundz:") + 1
    assert f"{config}:{line}" in told and "bounds" in told
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "curate", "-i", "{}/nothing-here", "-o", "{}/o"), "nothing found"),
        (("run", "curat", "-i", "{}", "-o", "{}/o"), "curate"),
        (("run", "-i", "{}", "-o", "{}/o", "--no_such_option=1"), "no_such_option"),
        (("run", "-o", "{}/o"), "--input"),
        (("run", "-i", "{}", "-o", "{}/o"), "inside"),
        (("run", "-i", "{}/in", "-o", "{}"), "inside the output"),
        (("judge", "-o", "{}", "--config", "{}/absent.yaml"), "run"),
    ],
)
def test_wrong_usage_is_exit_2_or_4_and_one_line(
    arguments: tuple[str, ...],
    words: str,
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    filled = [argument.format(tmp_path) for argument in arguments]
    assert beam(*filled) in (2, 4)
    assert words in one_line(capsys.readouterr().err)


def test_output_that_cannot_be_written_is_exit_4(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_folder(tmp_path / "in", 2)
    (tmp_path / "file").write_text("not a folder")
    output = str(tmp_path / "file" / "out")
    assert beam("run", "-i", str(tmp_path / "in"), "-o", output, "--config", str(config)) == 4
    assert output in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("limit", [3_000, 100_000])
def test_a_full_disk_is_exit_4_leaves_no_partial_file_and_resumes(
    limit: int, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_folder(tmp_path / "in", 10)
    run_in_process(tmp_path / "in", tmp_path / "undisturbed")
    output = tmp_path / "out"
    arguments = ["run", "-i", str(tmp_path / "in"), "-o", str(output), "--config", str(config)]
    arguments += ["--unit-rows", "8", "--workers", "1"]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        code = beam(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    told = capsys.readouterr().err
    assert code == 4 and "Traceback" not in told and str(output) in told
    assert not (output / "_SUCCESS").exists() and not list(output.rglob("part-*.parquet"))
    assert beam(*arguments) == 0
    assert digests(output) == digests(tmp_path / "undisturbed")
    assert not list(output.rglob("*.partial"))


def test_too_much_quarantined_is_exit_3(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(4):
        (tmp_path / "in" / f"{number}.jpg").write_bytes(b"")
    output = tmp_path / "o"
    code = beam("run", "-i", str(tmp_path / "in"), "-o", str(output), "--config", str(config))
    assert code == 3 and not (output / "_SUCCESS").exists()
    assert "quarantine_limit" in capsys.readouterr().err


def test_a_failure_keeps_its_name_through_a_runner() -> None:
    told = "...\ncuration.graphs.steps.OutputError: /o/x: No space left [while running 'Measure']"
    assert exit_code_of(RuntimeError(told))[0] == 4
    assert exit_code_of(OSError(os.strerror(28)))[0] == 4
    assert exit_code_of(KeyboardInterrupt())[0] == 130
    assert exit_code_of(ZeroDivisionError()) == (1, None)
    told = "...\nx.SourceError: /i: out of memory for its list [while running 'List']"
    assert exit_code_of(RuntimeError(told)) == (2, "/i: out of memory for its list")
    enough = "out of memory; a smaller --size takes less"
    assert exit_code_of(TooLargeError(enough)) == (4, enough)
    for error in (
        MemoryError(),
        RuntimeError("CUDA out of memory"),
        RuntimeError("MemoryError: 9"),
    ):
        code, said = exit_code_of(error)
        assert code == 4 and said and "free some, then run the same command again" in said


def test_judging_by_a_column_measured_never_is_exit_2(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_folder(tmp_path / "in", 2)
    run_in_process(tmp_path / "in", tmp_path / "out")
    for path in (tmp_path / "out" / "signals").rglob("*.parquet"):
        column_files.write(str(path), column_files.read(str(path)).drop_columns(["entropy"]))
    told = config.read_text("utf-8") + "          entropy: {min: 0.5}\n"
    config.write_text(told, encoding="utf-8")
    assert beam("judge", "-o", str(tmp_path / "out"), "--config", str(config)) == 2
    assert "'entropy' was not measured" in one_line(capsys.readouterr().err)


def test_a_line_of_a_filesystem_that_is_not_here_is_quarantined_alone(
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(names, "find_spec", lambda name: None)
    names._refusal_of.cache_clear()
    (tmp_path / "a.jpg").write_bytes(encoded(drawing(1)))
    lines = [{"path": "s3://bucket/b.jpg"}, {"path": "a.jpg"}]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    output = tmp_path / "out"
    arguments = ["-i", str(tmp_path / "list.jsonl"), "-o", str(output), "--config", str(config)]
    assert beam("run", *arguments, "--workers", "1") == 0
    assert "Traceback" not in capsys.readouterr().err
    verdicts = {row["key"].split("/")[-1]: row["verdict"] for row in ledger_rows(output)}
    assert verdicts == {"a.jpg": "kept", "b.jpg": "quarantined"}
    assert beam("explain", "s3://bucket/b.jpg", "-o", str(output)) == 0
    assert "pip install 'apache-beam[aws]'" in capsys.readouterr().out
    names._refusal_of.cache_clear()


def test_a_model_that_cannot_be_loaded_ends_the_run_before_any_work(
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    make_folder(tmp_path / "in", 1)
    second = {"nsfw_nudenet": {"max": 0.5}, **TWO_STAGES["s2"]}
    ruled = pipeline_text({**TWO_STAGES, "s2": second})
    config.write_text(ruled, encoding="utf-8")
    output = tmp_path / "out"
    arguments = ["-i", str(tmp_path / "in"), "-o", str(output), "--config", str(config)]
    assert beam("run", *arguments, "--workers", "2") == 2
    assert "pip install 'inkstone[nsfw]'" in one_line(capsys.readouterr().err)
    assert not output.exists()


def test_an_input_that_does_not_answer_is_exit_4_and_one_line(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    memory_filesystem.clear()
    storage.write_bytes("mem://bucket/in/a.jpg", encoded(drawing(1)))
    memory_filesystem.MemoryFileSystem.failing.add("mem://bucket/in/a.jpg")
    arguments = ["-i", "mem://bucket/in", "-o", str(tmp_path / "out"), "--config", str(config)]
    assert beam("run", *arguments, "--workers", "1") == 4
    assert "check the network" in one_line(capsys.readouterr().err)
    memory_filesystem.clear()
