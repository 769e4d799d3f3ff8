"""How a driver is spoken to: a number of pictures on a line in, what they took on a line out.

Only the standard library is used here, since drivers run in their peers' environments.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass
class Rendered:
    """What a batch took: ``cpu`` in seconds, of all threads (and of a browser's processes).

    ``cpu`` stays zero where the serving process itself is what is measured. ``pixels``,
    ``characters`` and ``bytes`` are sums over the ``pictures``; ``counts`` are the driver's own.
    """

    pictures: int = 0
    pixels: int = 0
    characters: int = 0
    bytes: int = 0
    cpu: float = 0.0
    counts: dict[str, float] | None = None

    def add(self, width: int, height: int, characters: int, size: int) -> None:
        """Count one picture and the size of its file."""
        self.pictures += 1
        self.pixels += width * height
        self.characters += characters
        self.bytes += size


Draw = Callable[[int], Rendered]


def serve(prepare: Callable[[dict[str, str]], Draw]) -> None:
    """Prepare with what the benchmark told (the one argument, a JSON object of texts), then
    answer every line of standard input until it ends.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the peer prints must not stand among the answers
    draw = prepare(dict(json.loads(sys.argv[1])))
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        begun = time.process_time()
        drawn = draw(int(line))
        took = time.process_time() - begun
        drawn.cpu = drawn.cpu or took
        print(json.dumps(asdict(drawn)), file=answers, flush=True)
