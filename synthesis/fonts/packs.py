"""Font packs: named lists of Debian packages, with their licences, from ``packs.yaml``."""

import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from curation.failures.errors import UsageError
from curation.strict_yaml import Frozen, bind, did_you_mean, read
from synthesis.fonts.index import SUFFIXES

DATA = Path(__file__).with_name("packs.yaml")


class Pack(Frozen):
    """What a pack is made of; ``scripts`` are ISO 15924 codes, ``licence`` an SPDX expression."""

    packages: tuple[str, ...]
    licence: str
    scripts: tuple[str, ...]


@cache
def packs() -> Mapping[str, Pack]:
    """All packs by name."""
    return bind(read(str(DATA)), dict[str, Pack])


def files(names: str) -> list[str]:
    """The font files of the packs in ``names``, which commas part.

    Raises ``UsageError`` for a name that is neither a path nor a pack, and for packages that are
    not installed.
    """
    packages: list[str] = []
    for name in names.split(","):
        pack = packs().get(name.strip())
        if pack is None:
            raise UsageError(_unknown(name.strip()))
        packages += pack.packages
    contents = {package: _files_of(package) for package in dict.fromkeys(packages)}
    missing = [package for package, paths in contents.items() if not paths]
    if missing:
        needed = " ".join(missing)
        raise UsageError(f"--fonts {names}: not installed here; `apt-get install {needed}`")
    return sorted({path for paths in contents.values() for path in paths})


def _unknown(name: str) -> str:
    hint = did_you_mean(name, packs())
    return f"--fonts {name}: no such file, folder or pack; the packs are {', '.join(packs())}{hint}"


def _files_of(package: str) -> list[str]:
    """The font files of an installed Debian package; empty where it is not installed."""
    command = ["dpkg-query", "--listfiles", package]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError as error:
        advice = "name a folder of fonts instead: --fonts DIR"
        raise UsageError(f"font packs need Debian's dpkg, which is missing; {advice}") from error
    paths = (line for line in answer.splitlines() if line.lower().endswith(SUFFIXES))
    return [path for path in paths if Path(path).is_file() and not Path(path).is_symlink()]
