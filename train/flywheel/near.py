"""How many training images are near to a prompt, by the vectors that shards have of their images.

English sentences are compared by the map that ships (``curation.networks.heads``); directions are
taken from the mean of all vectors, as ``python -m taxonomy.retrieve`` does.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from curation import shard
from curation.failures.errors import UsageError
from curation.networks import heads, sentences
from train.data import shard_files
from train.flywheel import supply

COLUMN = "embedding"
Vectors = NDArray[np.float32]


def near(patterns: Sequence[str], prompts: Sequence[str], least: float) -> dict[str, int]:
    """By prompt the number of images with a cosine of ``least`` and more; of those in English.

    Raises ``UsageError`` where shards have no vectors, or others than the map's,
    ``MissingModelError`` without the packages.
    """
    prompts = [prompt for prompt in prompts if supply.script(prompt) == "latin"]
    if not prompts:
        return {}
    mapped, encoder = heads.sentence_map(), sentences.Sentences()
    total, count = np.zeros(len(mapped.image_mean), np.float64), 0
    for block in _blocks(patterns, len(mapped.image_mean)):
        total += block.sum(0, dtype=np.float64)
        count += len(block)
    if not count:
        return dict.fromkeys(prompts, 0)
    mean = (total / count).astype(np.float32)
    asked = np.stack([mapped.of_sentence(encoder.vector(prompt)) for prompt in prompts])
    counts = np.zeros(len(prompts), np.int64)
    for block in _blocks(patterns, len(mean)):
        counts += (asked @ _unit(block - mean).T >= least).sum(1)
    return dict(zip(prompts, counts.tolist(), strict=True))


def _blocks(patterns: Sequence[str], size: int) -> Iterator[Vectors]:
    """Unit vectors (N, size) of all images that have any."""
    for path in (of for each in patterns for of in shard_files.paths(each, f"--shards {each}")):
        if COLUMN not in shard.outline(path).columns:
            raise UsageError(
                f"{path}: no column {COLUMN!r}; curate with `measure: [{COLUMN}]`, or set"
                " data.neighbours to 0"
            )
        for batch in shard.read(path, [COLUMN]):
            rows = [of for of in batch.column(COLUMN).to_pylist() if of]
            if any(len(of) != size for of in rows):
                raise UsageError(
                    f"{path}: vectors of another encoder than the map's {size} numbers"
                )
            if rows:
                yield _unit(np.array(rows, np.float32))


def _unit(own: Vectors) -> Vectors:
    length = np.linalg.norm(own, axis=1, keepdims=True)
    return np.asarray(own / np.where(length > 0, length, 1), np.float32)
