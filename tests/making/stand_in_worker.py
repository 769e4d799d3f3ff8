"""A worker without weights: images of one colour, by prompt and seed. It does as prompts say.

``die`` ends the process, ``die once`` where the file that the settings name is not there, ``fail``
raises, ``memory`` asks for more than there can be, ``hang`` goes on for ever, ``naked`` is held
back, ``slow`` takes a while for each step.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from curation.failures import commands
from curation.failures.errors import UsageError
from curation.picture import decoding
from infer.engine.request import Request
from infer.provenance import keys
from infer.server.studio import Studio, Watch
from infer.server.worker import carry_on

SLOW = 0.05  # seconds of a step


def colour(prompt: str, seed: int) -> tuple[int, int, int]:
    """Of the image of a prompt."""
    red, green, blue = hashlib.sha256(f"{seed}:{prompt}".encode()).digest()[:3]
    return red, green, blue


class Painter:
    """In place of an engine."""

    unit = 16

    def __init__(self, settings: dict[str, Any]) -> None:
        self.folder = Path(settings["checkpoint"])
        self._log, self._flag = Path(settings["log"]), Path(settings["log"] + ".died")

    def check(self, request: Request) -> None:
        """Refuse what no other part does."""
        if request.prompt == "refuse":
            raise UsageError("steps is 7: this checkpoint takes no other number than 8")

    def generate(
        self, requests: Sequence[Request], at_once: int = 1, watch: Watch | None = None
    ) -> Iterator[Image.Image]:
        """Paint them."""
        assert at_once == len(requests)
        prompts = [request.prompt for request in requests]
        with self._log.open("a") as log:
            log.write(json.dumps({"process": os.getpid(), "prompts": prompts}) + "\n")
        for step in range(requests[0].settings.steps):
            assert watch
            watch(step, requests[0].settings.steps)
            if "slow" in prompts:
                time.sleep(SLOW)
        if "die" in prompts or ("die once" in prompts and not self._flag.exists()):
            self._flag.touch()
            os._exit(9)
        if "fail" in prompts:
            raise ValueError("a bug")
        if "memory" in prompts:
            np.empty(1 << 55, np.uint8)
        if "hang" in prompts:
            time.sleep(3600)
        for request in requests:
            size = request.settings.width, request.settings.height
            condition = request.condition
            if condition and condition.hole is None:
                yield Image.fromarray(condition.pixels)
            else:
                yield Image.new("RGB", size, colour(request.prompt, request.seed))


class Seen(NamedTuple):
    """In place of ``infer.inputs.Inputs``, which takes seconds to import."""

    encoded: tuple
    looked_at: tuple
    size: tuple[int, int]


class PaintingStudio(Studio):
    """Images to edit are taken as they are, at their own size."""

    def seen(self, named):
        """Without the parts that need a checkpoint."""
        images = tuple(decoding.decode(data, None).rgb for _, data in named)
        return Seen(images, images, (images[-1].shape[1], images[-1].shape[0]))


def is_naked(pixels: np.ndarray) -> float:
    """Whether it is the colour of nakedness."""
    return float(tuple(pixels[0, 0]) == colour("naked", 0))


def studio(settings: dict[str, Any]) -> Studio:
    """As ``infer.server.worker.loaded``."""
    if settings.get("broken"):
        raise UsageError("no checkpoint here")
    sys.stdout.write("libraries print\n")  # which reaches nobody
    return PaintingStudio(Painter(settings), keys.made(Path(settings["key"])), is_naked)


if __name__ == "__main__":
    commands.main("stand-in worker", lambda **_: carry_on(studio))
