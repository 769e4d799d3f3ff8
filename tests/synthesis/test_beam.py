"""``beam run synthesize``: the command's very bytes, for any workers, after any death."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from apache_beam.internal import pickler
from making.commands import invoke, wait_for
from making.made_fonts import all_characters, make
from making.places import ROOT

from curation import shard, storage
from curation.command import app
from curation.configuration import loading
from curation.configuration.loading import ConfigurationError
from curation.failures.commands import guarded
from curation.graphs import programs
from curation.storage import ownership
from synthesis.pipeline import Synthesize
from synthesis.render import app as render_command

COUNT, PART = 24, 4
ENTRY = """\
pipelines:
  draw:
    program: synthesis.pipeline.Synthesize
    seed: 3
    languages: [en, zh]
    mode: pure
    n: 24
    size: 96x96
    part_size: 4
    fonts: {fonts}
"""


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fonts")
    make(folder / "one.ttf", all_characters("en"), family="One")
    make(folder / "two.ttf", all_characters("zh"), family="Two")
    return folder


@pytest.fixture(scope="module")
def drawn(fonts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``python -m synthesis.render`` makes of the same settings."""
    out = tmp_path_factory.mktemp("drawn")
    ownership.claim(str(out), "synthesis")
    for language in ("en", "zh"):
        line = ["--lang", language, "--seed", "3"]
        line += ["--n", str(COUNT), "--part-size", str(PART), "--size", "96x96"]
        line += ["--fonts", str(fonts), "--mode", "pure", "--out", str(out / language)]
        assert invoke(render_command, line).exit_code == 0
    return out


def written(folder: Path, text: str) -> str:
    path = folder / "pipelines.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def command(config: str, out: Path, *more: str) -> list[str]:
    line = [sys.executable, "-m", "curation.command", "run", "draw"]
    return [*line, "--config", config, "--output", str(out), *more]


def run(line: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120)


def here(line: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of the command, run in this process: Beam takes seconds to import."""
    monkeypatch.setattr(sys, "argv", line[2:])
    return guarded("beam", app)


def contents(out: Path) -> dict[str, bytes]:
    """All files but the manifest of everything, which the command does not write."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path != out / shard.MANIFEST_NAME
    }


@pytest.mark.parametrize("workers", ["1", "2"])
def test_same_bytes_as_the_command(
    fonts: Path,
    drawn: Path,
    tmp_path: Path,
    workers: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config, out = written(tmp_path, ENTRY.format(fonts=fonts)), tmp_path / "out"
    line = command(config, out, "--workers", workers, "--json")
    if workers == "1":
        assert here(line, monkeypatch) == 0
        said = capsys.readouterr().out
    else:
        done = run(line)
        assert done.returncode == 0, done.stderr
        said = done.stdout
    assert contents(out) == contents(drawn)
    summary = json.loads(said)
    assert (summary["images"], summary["missing"]) == (2 * COUNT, 0)
    assert {*summary["languages"]} == {"en", "zh"}
    infos = shard.verify(str(out))  # one manifest of all languages
    assert [info.file for info in infos] == sorted(info.file for info in infos)
    assert sum(info.rows for info in infos) == 2 * COUNT


def test_goes_on_after_kill_9_with_the_same_bytes(fonts: Path, drawn: Path, tmp_path: Path) -> None:
    config, out = written(tmp_path, ENTRY.format(fonts=fonts)), tmp_path / "out"
    driver = subprocess.Popen(
        command(config, out, "--workers", "2"),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: len([*out.rglob("part-*")]) >= 2)
    workers = psutil.Process(driver.pid).children(recursive=True)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive
    kept = {path: path.stat().st_mtime_ns for path in out.rglob("part-*.parquet")}
    assert kept
    for folder in (out, out / "en"):  # as if killed once more, while it wrote the manifests
        (folder / f".manifest.json.{'0f' * 16}{storage.TEMPORARY_SUFFIX}").write_bytes(b"half")
    done = run(command(config, out, "--workers", "2"))
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert contents(out) == contents(drawn)


def test_other_settings_in_the_folder_are_refused(
    fonts: Path,
    drawn: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = contents(drawn)
    text = ENTRY.format(fonts=fonts).replace("seed: 3", "seed: 4")
    assert here(command(written(tmp_path, text), drawn, "--workers", "1"), monkeypatch) == 2
    assert "rendered with seed 3, now 4" in capsys.readouterr().err
    assert contents(drawn) == before


def test_pictures_that_cannot_be_drawn_are_counted_and_told(
    fonts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("long " * 1000 + "\n", encoding="utf-8")
    text = ENTRY.format(fonts=fonts).replace("[en, zh]", "[en]").replace("n: 24", "n: 2")
    config = written(tmp_path, f"{text}    corpus: {texts}\n")
    assert here(command(config, tmp_path / "out", "--workers", "1"), monkeypatch) == 3
    told = capsys.readouterr()
    assert "2 could not be made" in told.err
    assert "0 images in 1 shards" in told.out
    assert "does_not_fit 100" in told.out


def test_a_worker_with_other_fonts_is_refused(fonts: Path, tmp_path: Path) -> None:
    program = Synthesize.model_validate(
        {
            "seed": 3,
            "languages": ("en",),
            "mode": "pure",
            "n": 4,
            "size": "96x96",
            "fonts": str(fonts / "one.ttf"),
        }
    )
    (part,) = program.plan(str(tmp_path))
    other = program.model_copy(update={"fonts": str(fonts / "two.ttf")})
    with pytest.raises(Exception, match="other fonts, texts or libraries"):
        other.carry_out(str(tmp_path), part)
    with pytest.raises(RuntimeError, match="0 of 1 parts"):
        program.complete(str(tmp_path), [part], [])


def test_the_graph_can_be_sent_anywhere(fonts: Path, tmp_path: Path) -> None:
    found = loading.load_any(written(tmp_path, ENTRY.format(fonts=fonts)), "draw")
    assert isinstance(found, Synthesize)
    for step in (programs.CarryOut("out", found), programs.Complete("out", found, ["en 0 x"])):
        sent = pickler.dumps(step)
        assert pickler.loads(sent).program == found
        assert len(sent) < 10_000


MISTAKES = (
    ("program: synthesis.pipeline.Synthesize", "program: os.path", 3, "a class inside curation"),
    ("program: synthesis.pipeline.Synthesize", "program: synthesis.none.It", 3, "no module"),
    ("program: synthesis.pipeline.Synthesize", "program: synthesis.pipeline.It", 3, "no such"),
    ("mode: pure", "mode: poem", 6, "'pure', 'scene', 'template', 'mix', 'strings' or 'edit'"),
    ("mode: pure", "mod: pure", 6, "unknown key 'mod': expected one of"),
    ("    n: 24\n", "", 2, "expected the key 'n', which is missing"),
    ("n: 24", "n: many", 7, "a whole number"),
    ("n: 24", "n: 0", 7, "greater than or equal to 1"),
    ("languages: [en, zh]", "languages: []", 5, "at least 1 entry"),
    ("languages: [en, zh]", "languages: [en, tlh]", 2, "language 'tlh': expected languages of en"),
    ("languages: [en, zh]", "languages: [en, en]", 2, "a language twice"),
    ("mode: pure", "mode: pure\n    corpus: a.txt", 2, "expected one of 'languages'"),
)


@pytest.mark.parametrize(("old", "new", "line", "message"), MISTAKES)
def test_mistakes_name_their_line_and_the_remedy(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    path = written(tmp_path, ENTRY.format(fonts="f").replace(old, new))
    with pytest.raises(ConfigurationError) as caught:
        loading.load_any(path, "draw")
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)


def test_input_belongs_to_curating_alone(
    fonts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = written(tmp_path, ENTRY.format(fonts=fonts))
    given = command(config, tmp_path / "out", "--input", str(tmp_path))
    assert here(given, monkeypatch) == 2
    assert "--input: pipeline draw takes none" in capsys.readouterr().err
    assert here(["", "", "beam", "run", "-o", str(tmp_path / "out")], monkeypatch) == 2
    assert "--input: pipeline curate needs one" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_shipped_entry_is_a_program() -> None:
    shipped = loading.load_any(str(loading.shipped_path()), "synthesize")
    assert isinstance(shipped, Synthesize)
