"""Fit the map from sentence vectors to CLIP's space that captions are held against.

    python -m benchmarks.fitting.sentences NAMES VECTORS PHOTOGRAPH...

NAMES (a Python file that sets CLASSES) and VECTORS (171, 512) are ZegCLIP's COCO-Stuff names and
CLIP ViT-B/16's text vectors of them (MIT). The photographs, freely usable ones, give the mean of
CLIP's image vectors and nothing else. Prints how the map orders names it was not fitted on.
"""

import ast
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from curation.networks import crops, heads
from curation.networks.clip_b16 import ClipImages
from curation.networks.sentences import Sentences
from curation.picture import decoding

RIDGE = 3.0
FORMS = ("{}", "a photo of a {}")


def fitted(
    sentences: NDArray[np.float32], texts: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean of sentences (N, 512), and the ridge map (512, 512) from what differs from it."""
    mean = sentences.mean(axis=0)
    centred = (sentences - mean).astype(np.float64)
    square = centred.T @ centred + RIDGE * np.eye(centred.shape[1])
    matrix = np.linalg.solve(square, centred.T @ (texts - texts.mean(axis=0)))
    return mean, matrix.astype(np.float32)


def names_of(path: Path) -> list[str]:
    """The names, as words: 'sky-other' is 'sky'."""
    text = path.read_text(encoding="utf-8")
    said = text[text.index("CLASSES = (") + len("CLASSES = ") :]
    names = ast.literal_eval(said[: said.index(")") + 1])
    return [name.replace("-other", "").replace("-", " ") for name in names]


def main(names: str, vectors: str, photographs: list[str]) -> None:
    """Fit, tell, and write."""
    encoder, said = Sentences(), names_of(Path(names))
    texts = crops.unit(np.load(vectors, allow_pickle=False))
    sentences = np.stack([[encoder.vector(form.format(n)) for n in said] for form in FORMS])
    held_out = np.arange(len(said)) % 5 == 0
    mean, matrix = fitted(
        np.concatenate(sentences[:, ~held_out]), np.tile(texts[~held_out], (len(FORMS), 1))
    )
    guesses = crops.unit((sentences[0, held_out] - mean) @ matrix)
    likeness = guesses @ (texts[held_out] - texts.mean(axis=0)).T
    right = (likeness < likeness.diagonal()[:, None]).mean() * held_out.sum()
    print(f"of names not fitted on, above {right / (held_out.sum() - 1):.3f} of the others")
    mean, matrix = fitted(np.concatenate(sentences), np.tile(texts, (len(FORMS), 1)))
    images = ClipImages()
    seen = [images.vector(decoding.decode(Path(of).read_bytes()).rgb) for of in photographs]
    arrays = {
        "sentence_mean": mean.astype(np.float16),
        "matrix": matrix.astype(np.float16),
        "image_mean": np.mean(seen, axis=0).astype(np.float16),
    }
    save_file(arrays, heads.SENTENCE_MAP, metadata={"licence": "MIT", "source": "ZegCLIP"})
    print(f"{heads.SENTENCE_MAP}: {len(said)} names, {len(seen)} photographs")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
