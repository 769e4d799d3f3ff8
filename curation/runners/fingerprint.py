"""Which files of ours a process runs, so that a worker can refuse to stand in for another version.

A worker's package may be older than the driver's, or a stray ``curation/`` in the worker's working
directory may hide the installed one. Either would measure something else under the same name.
"""

import hashlib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from curation import release

OURS = "curation"


class VersionError(Exception):
    """A worker runs other files of this project than the driver."""


@dataclass(frozen=True)
class Fingerprint:
    """A version, and one digest over the source files of some packages."""

    version: str
    packages: tuple[str, ...]
    digest: str


def here(modules: Iterable[str] = ()) -> Fingerprint:
    """What this process runs: ``curation`` and the packages that the named modules belong to."""
    packages = tuple(sorted({OURS, *(name.split(".", 1)[0] for name in modules)}))
    return Fingerprint(release.__version__, packages, _digest(packages))


def check(driver: Fingerprint) -> None:
    """Raise ``VersionError`` unless this process runs what the driver runs."""
    worker = here(driver.packages)
    if worker == driver:
        return
    what = "version" if worker.version != driver.version else "source files of that version"
    start = _folders(OURS)[0] / "__init__.py"
    raise VersionError(
        f"the driver runs inkstone {driver.version} ({driver.digest}), a worker "
        f"{worker.version} ({worker.digest}) from {start}: expected the same {what}; "
        "install the driver's wheel on every worker, and start workers in a folder without a "
        "curation/ of its own"
    )


@cache
def _digest(packages: tuple[str, ...]) -> str:
    """Over relative names and contents, so it does not matter where a package lies."""
    total = hashlib.blake2b(digest_size=8)
    for package in packages:
        for folder in _folders(package):
            for path in sorted(folder.rglob("*.py")):
                content = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
                name = path.relative_to(folder).as_posix()
                total.update(f"{package}/{name}\0{content}\n".encode())
    return total.hexdigest()


def _folders(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    return [Path(place) for place in places or ()]
