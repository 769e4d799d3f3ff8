"""TextRecognitionDataGenerator: lines of text as JPEG files, as its command line saves them."""

import importlib
import io
import random
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks.peers.serving import Draw, Rendered, serve


def prepare(setup: dict[str, str]) -> Draw:
    """``plain`` leaves its noise out; else its own defaults."""
    generator = importlib.import_module("trdg.data_generator").FakeTextDataGenerator
    texts = Path(setup["lines"]).read_text("utf-8").splitlines()
    fonts = sorted(map(str, Path(setup["fonts"]).glob("*.[ot]tf")))
    background = 1 if setup["variant"] == "plain" else 0  # white; noise is the default
    numbers, chance = count(), random.Random(1)
    random.seed(1)

    def draw(pictures: int) -> Rendered:
        drawn = Rendered()
        while drawn.pictures < pictures:
            text = chance.choice(texts)
            image = generator.generate(
                *(next(numbers), text, chance.choice(fonts), None, int(setup["height"]), "jpg"),
                *(0, False, 0, False, background, 0, 0, False, 0, -1, 1, "#282828", 0),
                *(1.0, 0, (5, 5, 5, 5), False, 0, False, ""),
            )
            if image is None:
                continue
            file = io.BytesIO()
            image.convert("RGB").save(file, "JPEG")
            drawn.add(image.width, image.height, len(text), len(file.getvalue()))
        return drawn

    np.random.seed(1)
    return draw


if __name__ == "__main__":
    serve(prepare)
