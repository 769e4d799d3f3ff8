"""SynthDoG: 640 x 640 document scenes by its own template and configuration.

It breaks lines wherever a box is full; ``counts`` says how many of its breaks are wrong.
"""

import importlib
import io
import random
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from benchmarks.peers import breaks
from benchmarks.peers.serving import Draw, Rendered, serve

_SIDE = 640
_OFF = {"prob": 0}


def prepare(setup: dict[str, str]) -> Draw:
    """``variant`` plain turns every effect off; paper, background and layout stay."""
    folder = Path(setup["source"]) / "synthdog"
    sys.path.insert(0, str(folder))
    importlib.import_module("synthtiger.gen").set_global_random_seed(1)
    random.seed(1)
    template = importlib.import_module("template").SynthDoG(_config(setup, folder))
    content = template.document.content
    lines: list[str] = []
    _listen(content, lines)

    def draw(pictures: int) -> Rendered:
        drawn = Rendered(counts={"breaks": 0, "kinsoku": 0, "words": 0})
        while drawn.pictures < pictures:
            lines.clear()
            data = template.generate()
            file = io.BytesIO()
            image = Image.fromarray(data["image"][..., :3].astype(np.uint8))
            image.save(file, "JPEG", quality=int(data["quality"]))
            drawn.add(image.width, image.height, len(data["label"]), len(file.getvalue()))
            if drawn.counts is not None:
                for before, after in pairwise(lines):
                    drawn.counts["breaks"] += 1
                    drawn.counts["kinsoku"] += breaks.breaks_kinsoku(
                        before, after, setup["language"]
                    )
                    drawn.counts["words"] += breaks.splits_word(before, after)
        return drawn

    return draw


def _config(setup: dict[str, str], folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(
        (folder / f"config_{setup['language']}.yaml").read_text("utf-8")
    )
    config.update(short_size=[_SIDE, _SIDE], aspect_ratio=[1, 1])
    document = config["document"]
    document["short_size"] = [480, _SIDE]
    config["background"]["image"]["paths"] = [setup["pictures"]]
    document["paper"]["image"]["paths"] = [setup["pictures"]]
    document["content"]["text"]["path"] = setup["running"]
    document["content"]["font"]["paths"] = [setup["fonts"]]
    if setup["variant"] == "plain":
        for effect in (config["effect"], document["effect"], config["background"]["effect"]):
            effect["args"] = [{**argument, **_OFF} for argument in effect["args"]]
    return config


def _listen(content: Any, lines: list[str]) -> None:
    """Keep the lines that follow each other as they are set, blanks at their ends included."""
    set_line = content.textbox.generate

    def generate(size: Any, reader: Any, font: Any) -> Any:
        taken: list[str] = []
        line = set_line(size, _noting(reader, taken), font)
        lines.append("".join(taken[:-1]))  # the last did not fit, and is put back
        return line

    content.textbox.generate = generate


def _noting(reader: Any, taken: list[str]) -> Iterator[str]:
    for character in reader:
        taken.append(character)
        yield character


if __name__ == "__main__":
    serve(prepare)
