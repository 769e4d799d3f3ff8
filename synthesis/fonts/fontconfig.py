"""The system's fonts, as fontconfig lists them."""

import subprocess
from dataclasses import dataclass

from curation.failures.errors import UsageError
from synthesis.fonts.index import SUFFIXES


@dataclass(frozen=True)
class Row:
    """What fontconfig says of a file."""

    path: str
    families: frozenset[str]
    languages: frozenset[str]


def rows() -> list[Row]:
    """Every font file fontconfig knows; raises ``UsageError`` where it is missing."""
    command = ["fc-list", "--format", "%{file}\t%{family}\t%{lang}\n"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError as error:
        advice = "install it (`apt-get install fontconfig`) or name fonts with --fonts DIR"
        raise UsageError(f"the program fc-list (fontconfig) is missing; {advice}") from error
    fields = (line.split("\t") for line in answer.splitlines())
    return [
        Row(path, frozenset(family.split(",")), frozenset(languages.split("|")))
        for path, family, languages in fields
        if path.lower().endswith(SUFFIXES)
    ]
