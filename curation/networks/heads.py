"""What is small enough to lie in the project: linear heads and maps over others' vectors."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.networks import weights

DATA = Path(__file__).parent / "data"
# Made by benchmarks/fitting: LAION's head (MIT) over unit vectors of CLIP ViT-B/16, and a map.
AESTHETICS = DATA / "aesthetics_vit_b_16.safetensors"
SENTENCE_MAP = DATA / "sentences_to_clip.safetensors"


def tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """All arrays of a file, as float32. Raises ``MissingModelError``."""
    weights.need("pip install 'inkstone[curate]'", "safetensors")
    if not path.is_file():
        raise weights.MissingModelError(f"needs the file {str(path)!r}, which is not there")
    from safetensors.numpy import load_file

    return {name: np.asarray(value, np.float32) for name, value in load_file(path).items()}


@dataclass(frozen=True)
class LinearHead:
    """A number of a vector (D,): ``weight`` (D,) times it, and a ``bias``."""

    weight: NDArray[np.float32]
    bias: float

    def score(self, vector: NDArray[np.float32]) -> float:
        """Raises ``ValueError`` for a vector of another size."""
        return float(vector @ self.weight) + self.bias


@cache
def linear_head(path: Path) -> LinearHead:
    """A head of a file with ``weight`` (1, D) and ``bias`` (1,). Raises ``MissingModelError``."""
    stored = tensors(path)
    if stored.keys() != {"weight", "bias"}:
        known = ", ".join(stored)
        raise weights.MissingModelError(f"needs 'weight' and 'bias' in {str(path)!r}; has {known}")
    return LinearHead(stored["weight"].reshape(-1), float(stored["bias"].reshape(-1)[0]))


@dataclass(frozen=True)
class SentenceMap:
    """Vectors of sentences (512,) to directions in CLIP's space of images.

    A ridge map from sentence vectors of the 171 names of COCO-Stuff to CLIP's own text vectors of
    them, which ZegCLIP publishes (MIT): no image was used to fit it. ``image_mean`` is the mean of
    CLIP's vectors of 27 freely usable photographs, from which images' directions are taken.
    """

    sentence_mean: NDArray[np.float32]
    matrix: NDArray[np.float32]
    image_mean: NDArray[np.float32]

    def of_sentence(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """(512,) to (512,) of length 1."""
        return _direction((vector - self.sentence_mean) @ self.matrix)

    def of_image(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """(512,) to (512,) of length 1."""
        return _direction(vector - self.image_mean)


@cache
def sentence_map() -> SentenceMap:
    """The map that lies in the project."""
    return SentenceMap(**tensors(SENTENCE_MAP))


def _direction(vector: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length else vector, np.float32)
