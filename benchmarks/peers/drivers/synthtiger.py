"""SynthTIGER: lines by its own example template, or lines and paragraphs without any effect.

Its boxes are those of its layers.
"""

import importlib
import io
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from benchmarks.peers.serving import Draw, Rendered, serve

_ADVANCE = {"en": 0.5, "zh": 1.0}  # of a character, in ems
_FILL, _LEADING = 0.72, 1.4  # of the picture by lines of text; line by line
_SIDE = 640
Made = tuple[Any, str, int]  # pixels (H, W, 4), text, quality


def prepare(setup: dict[str, str]) -> Draw:
    """``what`` is lines or paragraphs. ``variant`` default is its example of lines with all its
    effects; plain has none, and a layer for every glyph; words has one for every word.
    """
    components = importlib.import_module("synthtiger.components")
    layers = importlib.import_module("synthtiger.layers")
    chance = random.Random(1)
    importlib.import_module("synthtiger.gen").set_global_random_seed(1)
    if setup["variant"] == "default":
        make = _example(setup)
    else:
        texts = Path(setup["lines"]).read_text("utf-8").splitlines()
        fonts = components.BaseFont(paths=[setup["fonts"]], weights=[1])
        make = _plain(setup, components, layers, fonts, texts, chance)

    def draw(pictures: int) -> Rendered:
        drawn = Rendered()
        while drawn.pictures < pictures:
            try:
                image, text, quality = make()
            except RuntimeError:  # "Text is not visible": its own program tries again too
                continue
            file = io.BytesIO()
            Image.fromarray(image[..., :3].astype(np.uint8)).save(file, "JPEG", quality=quality)
            drawn.add(image.shape[1], image.shape[0], len(text), len(file.getvalue()))
        return drawn

    return draw


def _example(setup: dict[str, str]) -> Callable[[], Made]:
    """Its example ``synthtiger`` as configured there, with our fonts, texts and pictures."""
    folder = Path(setup["source"]) / "examples" / "synthtiger"
    config = yaml.safe_load((folder / "config_horizontal.yaml").read_text("utf-8"))
    corpus = config["corpus"]["args"][0]
    corpus.update(paths=[setup["lines"]], weights=[1], min_length=1, max_length=200)
    config["font"].update(paths=[setup["fonts"]], size=[int(setup["em"])] * 2)
    config["texture"]["args"]["paths"] = [setup["pictures"]]
    for name in ("colormap2", "colormap3"):
        config[name]["paths"] = [setup["colours"]]
    template = importlib.import_module("synthtiger.gen").read_template(
        str(folder / "template.py"), "SynthTiger", config
    )

    def make() -> Made:
        data = template.generate()
        [[float(edge) for edge in box] for box in data["bboxes"]]
        return data["image"], data["label"], data["quality"]

    return make


def _plain(
    setup: dict[str, str],
    components: Any,
    layers: Any,
    fonts: Any,
    texts: Sequence[str],
    chance: random.Random,
) -> Callable[[], Made]:
    """Its layers and its flow layout on white, as in its example ``multiline``."""
    language, is_line = setup["language"], setup["what"] == "lines"
    by_words = setup["variant"] == "words"

    def make() -> Made:
        text = chance.choice(texts)
        em = int(setup["em"]) if is_line else _em(len(text), language)
        pieces = text.split() if by_words else list(text)
        font = {**fonts.sample({"text": text}), "size": em}
        group = layers.Group([layers.TextLayer(piece, **font) for piece in pieces])
        gap = em // 4 if by_words else 0
        length = None if is_line else [int(0.88 * _SIDE)] * 2
        spaces = {"space": [gap, gap], "line_space": [em // 4, em // 4]}
        components.FlowLayout(length=length, align=["left"], **spaces).apply(group)
        group.topleft = (0, 0) if is_line else (0.06 * _SIDE, 0.06 * _SIDE)
        size = group.size if is_line else (_SIDE, _SIDE)
        ground = layers.RectLayer(size, (255, 255, 255, 255))
        ground.topleft = (0, 0)
        [[float(edge) for edge in layer.bbox] for layer in group.layers]
        image = (group + ground).output(bbox=[0, 0, *map(int, size)])
        return image, text, 95

    return make


def _em(characters: int, language: str) -> int:
    """Pixels per em at which so many characters fill the picture, as ours do."""
    area = _FILL * _SIDE * _SIDE
    return max(11, int(math.sqrt(area / (characters * _ADVANCE[language] * _LEADING))))


if __name__ == "__main__":
    serve(prepare)
