"""Fit the head that tells kinds of images by CLIP's vector (``taxonomy/kinds.py``).

    python -m synthesis.render --lang en --mode template --size 640 --n 100 --out en-template
    ... zh, and --mode pure --n 24 of both
    python -m benchmarks.fitting.kinds --rendered en-template ... --pictures FOLDER --codes FOLDER

What is rendered is of the kind that its caption says; pictures are photographs that anybody may
use, and emoji of Noto (OFL) on plain grounds, so that what is drawn is a picture, too; codes are
images of machine codes. Regularised logistic regression, all kinds with the same weight.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from safetensors.numpy import save_file

from curation import shard
from curation.networks.clip_b16 import ClipImages
from curation.picture import decoding
from taxonomy import kinds, rendered
from taxonomy.kinds import KINDS, PICTURE
from taxonomy.tree import tree

STRENGTH = 30.0  # inverse of the regularisation
EMOJI = (
    "🐶🐱🦁🐯🐴🐮🐷🐸🐵🐔🐧🐦🦆🦅🦉🐺🐗🐝🐛🦋🐌🐞🐢🐍🦎🐙🦀🐠🐬🐳🐊🐆🦓🐘🐪🦒🐑🐐🦌🐕🌵🌲🌳🌴🌱🍀🌹🌻🌷🍎🍐🍊🍋🍌🍉🍇🍓"
    "🍒🍍🥥🍅🥑🥦🥕🌽🍞🧀🍔🍕🍩🎂⚽🏀🎸🎺🎻🥁🚗🚕🚌🚓🚑🚜🚲🛵🚂🚀🚁⛵🚢🏠🏰⌚📱💻📷🔨🔧✂🔑🎈🎁👑👒👟👕👖🧦🪑🛏🕯⏰"
)
FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
Labelled = tuple[NDArray[np.uint8], str]


def of_rendered(folder: Path) -> Iterator[Labelled]:
    """Images of a rendering with the kind that their captions say; of those that say one."""
    for info in shard.verify(str(folder)):
        for batch in shard.read(str(folder / info.file), ["image", "caption_recaption"]):
            for row in batch.to_pylist():
                node = rendered.node([of["text"] for of in row["caption_recaption"]])
                ids = [tree().ids[of] for of in tree().above(node)]
                kind = "document" if rendered.PAGE in ids else next(filter(_is_kind, ids), None)
                if kind:
                    yield decoding.decode(row["image"]["bytes"]).rgb, kind


def _is_kind(node: str) -> bool:
    return node in KINDS


def of_folder(folder: Path, kind: str) -> Iterator[Labelled]:
    """All images of a folder."""
    for path in sorted(folder.iterdir()):
        yield decoding.decode(path.read_bytes()).rgb, kind


def emoji() -> Iterator[Labelled]:
    """Drawn things on white and on coloured grounds."""
    font, random = ImageFont.truetype(str(FONT), 109), np.random.default_rng(0)
    for number, character in enumerate(EMOJI):
        ground = tuple(random.integers(120, 256, 3).tolist()) if number % 2 == 0 else (255,) * 3
        glyph = Image.new("RGB", (136, 128), ground)
        ImageDraw.Draw(glyph).text((0, 0), character, font=font, embedded_color=True)
        size = tuple(random.integers(280, 420, 2).tolist())
        image = Image.new("RGB", size, ground)
        image.paste(glyph.resize((272, 256)), ((size[0] - 272) // 2, (size[1] - 256) // 2))
        yield np.asarray(image), PICTURE


def main() -> None:
    """Fit and write."""
    from sklearn.linear_model import LogisticRegression

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("--rendered", "--pictures", "--codes"):
        parser.add_argument(name, nargs="+", type=Path, required=True)
    given = parser.parse_args()
    labelled = [of for folder in given.rendered for of in of_rendered(folder)]
    labelled += [of for folder in given.pictures for of in of_folder(folder, PICTURE)]
    labelled += [of for folder in given.codes for of in of_folder(folder, "machine_code")]
    labelled += emoji()
    names = [kind for _, kind in labelled]
    print(Counter(names))
    encoder = ClipImages()
    vectors = np.stack([encoder.vector(rgb) for rgb, _ in labelled])
    mean = vectors.mean(axis=0)
    model = LogisticRegression(C=STRENGTH, max_iter=3000, class_weight="balanced")
    model.fit(vectors - mean, names)
    order = [list(model.classes_).index(kind) for kind in KINDS]
    weight = model.coef_[order]
    arrays = {
        "weight": weight.astype(np.float16),
        "bias": (model.intercept_[order] - weight @ mean).astype(np.float32),
    }
    save_file(arrays, kinds.FILE)
    print(f"{kinds.FILE}: {len(names)} images")


if __name__ == "__main__":
    main()
