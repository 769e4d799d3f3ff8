"""Fit the head that tells photographs from what is drawn (``taxonomy/photographs.py``).

    python -m benchmarks.fitting.photographs FOLDER

FOLDER holds photographs that anybody may use; those that scikit-image has are added. What is drawn
is emoji of Noto (OFL) on plain grounds. Regularised logistic regression, both with the same weight.
"""

import argparse
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from benchmarks.fitting.kinds import STRENGTH, emoji
from curation.networks.clip_b16 import ClipImages
from curation.picture import decoding
from taxonomy import photographs

OF_SCIKIT_IMAGE = (
    *("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png"),
    *("grass.png", "gravel.png", "hubble_deep_field.jpg", "moon.png", "motorcycle_left.png"),
    "rocket.jpg",
)


def files(folder: Path) -> Iterator[bytes]:
    """The photographs as they are stored."""
    for path in sorted(folder.iterdir()):
        yield path.read_bytes()
    for name in OF_SCIKIT_IMAGE:
        yield (resources.files("skimage.data") / name).read_bytes()


def main() -> None:
    """Fit and write."""
    from sklearn.linear_model import LogisticRegression

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    encoder = ClipImages()
    shown = [decoding.decode(data).rgb for data in files(parser.parse_args().folder)]
    drawn = [rgb for rgb, _ in emoji()]
    vectors = np.stack([encoder.vector(rgb) for rgb in (*shown, *drawn)])
    mean = vectors.mean(axis=0)
    model = LogisticRegression(C=STRENGTH, max_iter=3000, class_weight="balanced")
    model.fit(vectors - mean, [True] * len(shown) + [False] * len(drawn))
    arrays = {
        "weight": model.coef_.astype(np.float16),
        "bias": (model.intercept_ - model.coef_ @ mean).astype(np.float32),
    }
    save_file(arrays, photographs.FILE)
    print(f"{photographs.FILE}: {len(shown)} photographs, {len(drawn)} emoji")


if __name__ == "__main__":
    main()
