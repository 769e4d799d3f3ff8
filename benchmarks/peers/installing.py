"""Environments of the peers below ``.cache/peers``, made on demand.

``python -m benchmarks.peers.installing [NAME ...]`` makes them all, or those named.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "peers"
_PINS = Path(__file__).parent
_CLONE_SECONDS = 120
_INSTALL_SECONDS = 900


class Absent(Exception):  # noqa: N818 - no error: the peer is skipped, and this is the reason
    """A peer cannot be had here."""


@dataclass(frozen=True)
class Peer:
    """``pins`` names the environment and its requirements; ``repository`` has files that the
    package lacks, of which ``needed`` must be there; ``program`` is one of the system's.
    """

    pins: str
    repository: str | None = None
    needed: str | None = None
    program: str | None = None


PEERS = {
    "synthtiger": Peer("synthtiger"),
    "synthtiger-examples": Peer(
        "synthtiger",
        "https://github.com/clovaai/synthtiger",
        "examples/synthtiger/template.py",
    ),
    "trdg": Peer("trdg"),
    "synthdog": Peer("synthtiger", "https://github.com/clovaai/donut", "synthdog/template.py"),
    "chromium": Peer("chromium", program="chromium"),
    "data-juicer": Peer("data-juicer"),
    "cleanvision": Peer("cleanvision"),
}


def interpreter(name: str) -> Path:
    """The Python that runs the peer, its environment made first. Raises ``Absent``."""
    peer = PEERS[name]
    if peer.program and not shutil.which(peer.program):
        raise Absent(f"{name}: no program {peer.program}; `apt-get install {peer.program}`")
    return _environment(peer.pins)


def source(name: str) -> Path:
    """The checkout of the peer's repository, cloned first. Raises ``Absent``."""
    peer = PEERS[name]
    if peer.repository is None or peer.needed is None:
        raise ValueError(f"{name} has no repository")
    place = CACHE / name.removesuffix("-examples") / "source"
    if (place / peer.needed).exists():
        return place
    advice = f"clone {peer.repository} to {place.relative_to(ROOT)}"
    try:
        _run(
            ["git", "clone", "--quiet", "--depth", "1", peer.repository, str(place)], _CLONE_SECONDS
        )
    except Absent as reason:
        raise Absent(f"{name}: {reason}; {advice}") from reason
    return place


def _environment(pins: str) -> Path:
    """``.cache/peers/PINS/env`` with exactly what ``PINS.txt`` says."""
    wanted = (_PINS / f"{pins}.txt").read_text()
    folder = CACHE / pins / "env"
    python, done = folder / "bin" / "python", folder / "installed.txt"
    if done.exists() and done.read_text() == wanted:
        return python
    print(f"making {folder.relative_to(ROOT)}", file=sys.stderr)
    _run([sys.executable, "-m", "venv", "--clear", str(folder)], _INSTALL_SECONDS)
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python)]
    # bytecode now, so that no first run pays for it; the pins are complete: trdg's own is a yanked
    # version, which is installed only where nothing else is looked at
    install += ["--compile-bytecode", "--no-deps", "-r", str(_PINS / f"{pins}.txt")]
    _run(install, _INSTALL_SECONDS)
    done.write_text(wanted)
    return python


def _run(command: Sequence[str], seconds: int) -> None:
    """Raises ``Absent`` with the last line of what the command said."""
    try:
        finished = subprocess.run(
            command, capture_output=True, check=False, text=True, timeout=seconds
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Absent(str(error)) from error
    if finished.returncode:
        said = finished.stderr.strip().splitlines() or ["no message"]
        raise Absent(f"{' '.join(command[:3])} failed: {said[-1]}")


def main() -> None:
    """Make the environments and say what cannot be had."""
    names = sys.argv[1:] or list(PEERS)
    for name in names:
        try:
            line = str(interpreter(name).relative_to(ROOT))
            if PEERS[name].repository:
                line += f", {source(name).relative_to(ROOT)}"
        except Absent as reason:
            line = f"not here: {reason}"
        print(f"{name}: {line}")


if __name__ == "__main__":
    main()
