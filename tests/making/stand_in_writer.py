"""In place of a language model in a process of its own: adds rain, and does as prompts say.

``die`` ends the process, ``hang`` goes on for ever, ``memory`` asks for more than there can be.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # which its process has not

from making.rain_writer import RainWriter

from curation.failures import commands
from curation.failures.errors import UsageError
from infer.enhancing.process import carry_on


class Doing(RainWriter):
    """As told."""

    def write(self, system: str, user: str, attempt: int) -> str:
        """A prompt anew."""
        if user == "die":
            os.abort()
        if user == "hang":
            time.sleep(3600)
        if user == "memory":
            np.empty(1 << 55, np.uint8)
        return super().write(system, user, attempt)


def opened(settings: dict[str, str]) -> Doing:
    """As ``infer.enhancing.process.loaded``."""
    sys.stdout.write("libraries print\n")  # which reaches nobody
    if settings.get("broken"):
        raise UsageError("no language model here")
    return Doing()


if __name__ == "__main__":
    commands.main("stand-in writer", lambda **_: carry_on(opened))
