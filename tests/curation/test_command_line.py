"""Every command answers ``--help`` without loading what it does not need, with an example.

How long that takes is measured by ``python -m benchmarks.help``.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from making.collection import drawing, encoded
from making.commands import invoke
from making.pipelines import WITHOUT_MODELS
from making.places import ROOT

from synthesis.render import app as render_command

BEAM = [sys.executable, "-m", "curation.command"]
COMMANDS = {
    "beam": BEAM,
    **{
        f"beam {name}": [*BEAM, name]
        for name in ("run", "judge", "report", "explain", "signals", "doctor", "gate")
    },
    "python -m synthesis.render": [sys.executable, "-m", "synthesis.render"],
    **{
        f"python -m synthesis.{name}": [sys.executable, "-m", f"synthesis.{name}"]
        for name in ("proofreading", "template", "fonts", "characters")
    },
    "python -m train": [sys.executable, "-m", "train"],
    "python -m train.enhancer": [sys.executable, "-m", "train.enhancer"],
    "python -m infer": [sys.executable, "-m", "infer"],
}
HEAVY = {
    *("apache_beam", "cv2", "datasets", "diffusers", "great_expectations", "icu4py", "jinja2"),
    *("numpy", "onnxruntime", "open_clip", "pandas", "PIL", "pyarrow", "ruamel", "skia", "torch"),
    *("transformers", "uharfbuzz"),
}
PLAIN = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "100"}


def asked(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """The finished child."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | PLAIN | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_help_needs_no_heavy_package_and_has_an_example(name: str) -> None:
    done = asked([*COMMANDS[name], "--help"], PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "Usage:" in done.stdout
    assert "--help" in done.stdout
    called = re.escape(name.rpartition(" ")[2])
    assert re.search(rf"[Ee]xamples?:?\s.*{called}", done.stdout, re.DOTALL), done.stdout
    lines = done.stderr.splitlines()
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "typer" in loaded  # or this reads the list of imports wrongly
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_wrong_usage_and_no_traceback(name: str, tmp_path: Path) -> None:
    needed = ["--input", str(tmp_path), "--output", str(tmp_path / "out")]
    arguments = needed if name == "beam run" else []  # it asks Beam about options it does not know
    done = asked([*COMMANDS[name], *arguments, "--no-such-option"])
    assert done.returncode == 2, done.stderr
    assert "no-such-option" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_console_script_is_the_module() -> None:
    script = Path(sys.executable).with_name("beam")
    assert asked([str(script), "--help"]).stdout.startswith("Usage: beam")


def test_the_help_promises_what_the_readme_promises() -> None:
    text = " ".join(invoke(render_command, ["--help"]).output.split())
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    promises = readme.split("## Text images with exact captions")[1].split("\n## ")[0]
    told = {*re.findall(r"--[a-z]{2,}", promises), "contact_sheet.png", "gallery.html"}
    told |= {
        "a folder",
        "packs",
        ".jsonl",
        ".parquet",
        "python -m synthesis.template",
        "nine aspect",
    }
    told |= {f"{mode}: " for mode in ("pure", "scene", "template", "mix", "strings")}
    told |= {f"--mode {mode} " for mode in ("pure", "scene", "template")}
    assert {one for one in told if one not in text} == set()


def test_a_run_takes_along_nothing_for_data_frames_and_databases(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(encoded(drawing(1)))
    (tmp_path / "pipelines.yaml").write_text(WITHOUT_MODELS, encoding="utf-8")
    code = (
        "import atexit, sys; from curation.__main__ import main;"
        "told = lambda: print(*sorted({'apache_beam', 'pandas', 'pymongo'} & set(sys.modules)));"
        "atexit.register(told); main()"
    )
    where = ["--input", str(tmp_path / "in"), "--output", str(tmp_path / "out")]
    config = ["--config", str(tmp_path / "pipelines.yaml"), "--workers", "1"]
    done = asked([sys.executable, "-c", code, "run", *where, *config])
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "apache_beam"
    assert len(list((tmp_path / "out" / "shards").glob("part-*.parquet"))) == 1
