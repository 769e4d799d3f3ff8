"""Renderings by the command, in this process and in one of its own, with fonts of rectangles."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from making.commands import Ended, invoke
from making.made_fonts import all_characters, make
from making.places import ROOT

from synthesis.render import app

COUNT, PART = 48, 8


def fonts(folder: Path) -> str:
    """A folder of two fonts; the first has no ink in its Q."""
    make(folder / "one.ttf", all_characters("en"), inkless="Q", family="One")
    make(folder / "two.ttf", all_characters("zh"), family="Two")
    return str(folder)


def options(fonts: str, out: Path, *more: str, count: int = COUNT, part: int = PART) -> list[str]:
    """Of ``count`` images, ``part`` to a shard."""
    places = ["--out", str(out), "--fonts", fonts, "--size", "96x96"]
    return ["--lang", "en", "--n", str(count), *places, "--part-size", str(part), *more]


def run(line: list[str]) -> Ended:
    """The command in this process."""
    return invoke(app, line)


def start(line: list[str], **more: Any) -> subprocess.Popen[str]:
    """The command in a process of its own, whose errors are not read but where ``more`` asks."""
    command = [sys.executable, "-m", "synthesis.render", *line]
    return subprocess.Popen(command, cwd=ROOT, text=True, **{"stderr": subprocess.DEVNULL, **more})


def contents(out: Path) -> dict[str, bytes]:
    """Of all files, by name."""
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}
