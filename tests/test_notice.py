"""``NOTICE`` names every file of data and every package; a new one without a word in it fails."""

import importlib.util
import re
import subprocess
import tomllib
from email.message import Message
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from making.places import ROOT

_SPEC = importlib.util.spec_from_file_location("notice", ROOT / ".ci" / "notice.py")
assert _SPEC and _SPEC.loader
notice = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(notice)
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
    names = {re.split(r"[\[<>=;~! ]", entry, maxsplit=1)[0] for entry in requirements}
    return {re.sub("[-_.]+", "-", name).lower() for name in names}


def test_every_package_that_we_ask_for_is_named_with_a_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = names_of(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted |= names_of(extra)
    for file in ("requirements.in", "requirements-models.in"):
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        wanted |= names_of([line for line in lines if line and not line.startswith("#")])
    weights = names_of(re.findall(r"^(\S+)  +\S", SECTIONS[3], flags=re.MULTILINE))
    assert wanted <= {*notice.lines(SECTIONS[4])} and weights <= wanted


def test_every_package_of_the_locks_has_a_line_of_its_version() -> None:
    """By the locks alone; words are held to what is installed as it is pinned, and to no more."""
    stated = notice.lines(TEXT)
    assert {name: version for name, (version, _) in stated.items()} == notice.pinned()
    assert notice.written(TEXT) == TEXT, "`.venv/bin/python .ci/notice.py` writes it anew"


def test_lines_follow_the_locks_and_what_is_not_here_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, installer in (("known", "uv"), ("older", "pip"), ("packed", "conda")):
        folder = tmp_path / f"{name}_x-1.0.dist-info"
        folder.mkdir()
        said = f"Name: {name}-x\nVersion: 1.0\nLicense-Expression: ISC\nAuthor: Ann\n"
        (folder / "METADATA").write_text(f"Metadata-Version: 2.4\n{said}")
        (folder / "INSTALLER").write_text(f"{installer}\n")
    monkeypatch.syspath_prepend(tmp_path)
    pins = {"absent-x": "1.0", "known-x": "1.0", "older-x": "2.0", "packed-x": "1.0"}
    monkeypatch.setattr(notice, "pinned", lambda: pins)
    own = "older-x 0.0  MIT; C\npacked-x 0.0  MIT; D\n"
    before = f"4. PACKAGES\n\nabsent-x 0.9  MIT; A\ngone-x 1.0  MIT; B\n{own}"
    assert notice.written(before) == (
        "4. PACKAGES\n\nabsent-x 1.0  MIT; A\nknown-x 1.0  ISC; Ann\n"
        "older-x 2.0  MIT; C\npacked-x 1.0  MIT; D\n"
    )
    with pytest.raises(SystemExit, match=r"absent-x==1\.0: not installed"):
        notice.written(f"4. PACKAGES\n\n{own}")


def test_holders_and_licences_are_read_from_what_packages_say() -> None:
    said = Message()
    said["Classifier"] = "License :: OSI Approved :: BSD License"
    said["Author-email"] = '"Ann B." <a@b.org>, Cy <c@d.org>, D <d@e.org>, E <e@f.org>'
    three = (
        "BSD\n\n Copyright (c) 2010-2024, Ann B. (a@b.org). All rights reserved.\nNeither the name"
    )
    assert notice._licence(said, [three]) == "BSD-3-Clause"
    assert notice._licence(said, ["Copyright X"]) == "BSD-2-Clause"
    assert notice._holder(said, [three]) == "Ann B"
    template = "Copyright [yyyy] [name of copyright owner]\nCopyright notice of the law"
    assert notice._holder(said, [template]) == "Ann B., Cy, D and others"
    assert notice._holder(Message(), []) == "its authors"
