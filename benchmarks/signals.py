"""CPU milliseconds of every signal, beside the decode that it shares, in the same run.

    python -m benchmarks.signals ../shared/data/photos

Each image is decoded and then measured by all signals, as in a run. Medians over images, one
thread; the processor time is used, so that other work on the machine disturbs little.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from curation.picture import decoding
from curation.signals import discovery
from curation.signals.row import Row
from curation.signals.signal import ready

MODEL_BATCH = 16


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """The result and the processor milliseconds it took."""
    start = time.process_time_ns()
    result = function()
    return result, (time.process_time_ns() - start) / 1e6


def draft(data: bytes) -> np.ndarray:
    """The floor: Pillow alone, JPEG at reduced scale with its short side still >= 256 pixels."""
    image = Image.open(BytesIO(data))
    scale = decoding.SMALL_SIDE / min(image.size)
    image.draft("RGB", (round(image.width * scale), round(image.height * scale)))
    return np.asarray(image.convert("RGB"))


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of photographs")
    parser.add_argument("--limit", type=int, default=300, help="how many of them to use")
    parser.add_argument("--models", action="store_true", help="time the model signals, too")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    signals = discovery.discover()
    files = sorted(path for path in arguments.folder.iterdir() if path.is_file())
    times: dict[str, list[float]] = defaultdict(list)
    megapixels, batch = [], []
    for path in files[: arguments.limit]:
        data = path.read_bytes()
        times["Pillow draft decode"].append(timed(lambda d=data: draft(d))[1])
        decoded, spent = timed(lambda d=data: decoding.decode(d))
        times["picture.decode"].append(spent)
        times["small and grey views"].append(timed(lambda p=decoded: (p.small, p.grey))[1])
        row: dict[str, Any] = {}
        for entry in signals:
            if entry.tier not in ("pair", "model"):
                given = {"file": decoded.header, "pixel": decoded, "derived": row}[entry.tier]
                columns, spent = timed(partial(ready(entry), given))
                row |= columns
                times[f"{entry.tier} {entry.name}"].append(spent)
        megapixels.append(decoded.header.width * decoded.header.height / 1e6)
        batch.append(Row("", data, {}, {}))
    pixel = [
        sum(spent)
        for spent in zip(
            *(times[n] for n in times if n.startswith(("pixel ", "derived "))), strict=True
        )
    ]
    times["all pixel signals"] = pixel
    print(f"{len(batch)} images, median {np.median(megapixels):.2f} MP; median CPU ms per image")
    for name, spent in times.items():
        print(f"  {name:24} {np.median(spent):7.3f}")
    if arguments.models:
        for entry in [of for of in signals if of.tier == "model" and not of.is_of_pairs]:
            measure = ready(entry)
            measure(batch[:1])
            spent = timed(lambda m=measure: m(batch[:MODEL_BATCH]))[1]
            print(f"  model {entry.name:18} {spent / min(MODEL_BATCH, len(batch)):7.3f}")


if __name__ == "__main__":
    main()
