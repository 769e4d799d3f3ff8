"""A wheel is whole: all modules, all data files, and a configuration that it finds."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from making.places import ROOT

PACKAGES = ("captioning", "curation", "infer", "synthesis", "taxonomy", "train")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_every_module_and_data_file_is_inside(unpacked: Path) -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    inside = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert wanted - inside == set()


def test_only_our_packages_are_inside(unpacked: Path) -> None:
    folders = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    assert folders == set(PACKAGES)


def test_notice_and_every_licence_travel_with_it(unpacked: Path) -> None:
    (folder,) = unpacked.glob("*.dist-info/licenses")
    inside = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    texts = {
        str(path.relative_to(ROOT)) for name in PACKAGES for path in (ROOT / name).rglob("LICENSE*")
    }
    assert inside == {"LICENSE", "NOTICE", *texts}


def test_an_installed_project_finds_its_own_configuration(unpacked: Path, tmp_path: Path) -> None:
    code = (
        "from curation.configuration.loading import load, shipped_path as p; load(None); print(p())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(unpacked)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = Path(done.stdout.strip())
    assert found == unpacked / "curation" / "pipelines.yaml"
    assert found.read_bytes() == (ROOT / "pipelines.yaml").read_bytes()
