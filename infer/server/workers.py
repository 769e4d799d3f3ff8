"""A worker's process, and the commands that start one for each device."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from infer.server import frames

_LONGEST = 1 << 20  # bytes that are read ahead
_ENDING = 1.0  # seconds until a process that was to end is ended


class Process:
    """A process that speaks in frames."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str]) -> "Process":
        """Raises ``OSError`` where no process can be had."""
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                *command,
                stdin=pipe,
                stdout=pipe,
                env=environment(),
                limit=_LONGEST,
            )
        )

    @property
    def number(self) -> int:
        """Of the process."""
        return self._process.pid

    async def receive(self) -> frames.Frame:
        """The next frame. Raises ``BrokenPipeFrame``."""
        assert self._process.stdout
        return await frames.receive(self._process.stdout)

    def send(self, frame: bytes) -> None:
        """What is sent to a process that has just ended is lost, as ``receive`` will say."""
        assert self._process.stdin
        with suppress(OSError, RuntimeError):
            self._process.stdin.write(frame)

    def end(self) -> None:
        """It ends when its input does."""
        assert self._process.stdin
        self._process.stdin.close()

    async def ended(self) -> int:
        """Its exit code, once its pipe has ended."""
        try:
            return await asyncio.wait_for(self._process.wait(), _ENDING)
        except TimeoutError:  # it closed its pipe and goes on
            self.kill()
            return await self._process.wait()

    def kill(self) -> None:
        """End it, whatever it does."""
        with suppress(ProcessLookupError):
            self._process.kill()


def environment() -> dict[str, str]:
    """Of a process that imports our packages, not a stray ``train/`` of where it is started."""
    root = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, *([known] if known else [])])}


def commands(
    checkpoint: Path,
    devices: Sequence[str],
    key: Path,
    check: float | None,
    execution: Mapping[str, Any] | None = None,
) -> list[list[str]]:
    """For each device; ``check`` is the most probability of sexual content, None for no check;
    ``execution`` are the arguments of ``infer.generating.execution``.
    """
    places = {"checkpoint": str(checkpoint), "key": str(key)}
    settings = {**places, "check": check, "execution": dict(execution or {})}
    return [
        # -P: the working folder is no place for modules
        [sys.executable, "-P", "-m", "infer.server.worker", json.dumps({**settings, "device": on})]
        for on in devices
    ]
