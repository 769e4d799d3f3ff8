"""``NOTICE`` names every file of data and every package; a new one without a word in it fails."""

import re
import subprocess
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from making.places import ROOT

TEXT = (ROOT / "NOTICE").read_text(encoding="utf-8")
# Code and prose of ours, by their names; all else is data and needs a word.
CODE = {".py", ".typed", ".lock", ".in", ".toml", ".ipynb"}
NAMES = {".gitignore", ".dockerignore", "Dockerfile", "Dockerfile.gpu", "LICENSE", "NOTICE"}
NAMES |= {"Makefile", ".pre-commit-config.yaml"}
PROSE = ("", "docs", "benchmarks", "examples")  # where .md is that, and no template
SECTIONS = re.split(r"^\d\. [A-Z ,]+$", TEXT, flags=re.MULTILINE)


def patterns() -> list[str]:
    lines = [line for line in TEXT.splitlines() if line.startswith("* ")]
    return [path for line in lines for path in line.removeprefix("* ").split(", ")]


def files() -> list[str]:
    """Everything that git knows, or would take; without git all that is there."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def is_data(name: str) -> bool:
    path = Path(name)
    if name.startswith((".ci/", "tests/")) or path.name in NAMES:
        return False
    is_prose = path.suffix == ".md" and name.rpartition("/")[0].partition("/")[0] in PROSE
    return path.suffix not in CODE and not is_prose


def is_covered(name: str) -> bool:
    return any(
        fnmatchcase(name, pattern) and name.count("/") == pattern.count("/")
        for pattern in patterns()
    )


def test_every_file_of_data_has_an_entry() -> None:
    assert [name for name in files() if is_data(name) and not is_covered(name)] == []


def test_a_file_without_a_word_is_seen() -> None:
    for name in ("taxonomy/data/more.txt", "synthesis/corpora/more/x.jsonl", "train/new.bin"):
        assert is_data(name) and not is_covered(name)
    assert is_covered("synthesis/corpora/xx.jsonl") and not is_data("train/loop.py")


def test_every_entry_is_of_files_and_every_text_of_a_licence_is_there() -> None:
    names = files()
    for pattern in patterns():
        assert any(fnmatchcase(name, pattern) for name in names), pattern
    texts = set(re.findall(r"\[([^\]]*LICENSE[^\]]*)\]", TEXT))
    beside = {name for name in names if re.search(r"/LICENSE\.", name)}
    assert texts == beside | {"LICENSE"}
    for text in texts:
        words = (ROOT / text).read_text(encoding="utf-8").lower()
        assert "warrant" in words and "copyright" in words, text  # the terms, no mere mention


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=;~! ]", entry, maxsplit=1)[0] for entry in requirements}


def test_every_package_that_we_ask_for_is_named_with_a_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = names_of(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted |= names_of(extra)
    for file in ("requirements.in", "requirements-models.in"):
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        wanted |= names_of([line for line in lines if line and not line.startswith("#")])
    weights, packages = SECTIONS[3], SECTIONS[4]
    named = set(re.findall(r"^(\S+)  +\S", weights + packages, flags=re.MULTILINE))
    assert named == wanted
