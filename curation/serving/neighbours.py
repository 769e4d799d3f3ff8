"""What is most alike an image or a sentence, by columns that the run has stored: vectors of what an
image shows, and the perceptual hash. Exact: every row is compared.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.configuration import loading
from curation.failures.errors import UsageError
from curation.groupings.similar import vectors
from curation.measuring import choosing
from curation.measuring.chosen import Chosen
from curation.networks.weights import MissingModelError
from curation.picture.perceptual_hash import MIRRORED
from curation.serving.run_rows import Numbers, Rows
from curation.signals.embedding import EmbeddingSettings
from curation.strict_yaml import expected_one_of

HASH, EMBEDDING = "phash", "embedding"
BITS = 64
MOST = 5000  # neighbours that are listed
LONGEST = 500  # characters of a sentence
_BLOCK = 1 << 16  # rows compared at once: 128 MB of 512 numbers
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Alike:
    """Rows, the most alike first: their ``numbers`` (K,) and how alike they are, in words."""

    numbers: Numbers
    said: tuple[str, ...]


@dataclass(frozen=True)
class _Vectors:
    """Unit vectors in whole numbers (M, D) of the rows ``numbers`` (M,) that have one."""

    numbers: Numbers
    values: vectors.Vectors

    def products(self, query: Floats) -> Floats:
        """(M,) products with a vector (D,). Raises ``UsageError`` for one of another size."""
        if len(query) != self.values.shape[1]:
            raise UsageError(
                f"vectors of {self.values.shape[1]} numbers are stored, and this encoder's have "
                f"{len(query)}: another one made them; beam run measures them again"
            )
        parts = [
            self.values[start : start + _BLOCK].astype(np.float32) @ query
            for start in range(0, len(self.values), _BLOCK)
        ]
        products = np.concatenate([np.zeros(0, np.float32), *parts])
        return np.asarray(products / vectors.SCALE, np.float32)


Encoder = Callable[[str, _Vectors], Alike]  # of a sentence and vectors of images


class Neighbours:
    """The neighbours among these ``rows``."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._guard = rows, threading.Lock()
        self._known: dict[str, _Vectors] = {}
        self._encoders: dict[str, Encoder] = {}
        of_vectors = [name for name, kind in rows.types.items() if self._is_vector(name, kind)]
        of_vectors.sort(key=lambda name: (name != EMBEDDING, name))
        self.columns = [*of_vectors, *([HASH] if HASH in rows.types else [])]

    def _is_vector(self, name: str, kind: pa.DataType) -> bool:
        known = self._rows.described.get(name)
        is_floats = pa.types.is_list(kind) and pa.types.is_floating(kind.value_type)
        is_unit = is_floats and known and known.unit == "unit vector"
        return bool(is_unit and self._rows.is_measured(name))

    def of_image(self, number: int, by: str) -> Alike:
        """The rows most alike a row's image, itself first. Raises ``UsageError``."""
        if by not in self.columns:
            raise UsageError(
                f"no column {by[:80]!r} of vectors: {expected_one_of(by, self.columns)}"
            )
        if by == HASH:
            return self._of_hash(number)
        held = self._vectors(by)
        here = np.flatnonzero(held.numbers == number)
        if not len(here):
            raise UsageError(
                f"{by}: the model did not look at this image; choose another, or by {HASH}"
            )
        query = held.values[here[0]].astype(np.float32) / np.float32(vectors.SCALE)
        return _most(held.numbers, held.products(query))

    def _of_hash(self, number: int) -> Alike:
        column = self._rows.column(HASH)
        known = np.flatnonzero(np.asarray(column.is_valid()))
        values = column.drop_null().to_numpy().astype(np.uint64)
        here = np.flatnonzero(known == number)
        if not len(here):
            raise UsageError(f"{HASH}: not measured of this image; choose another")
        differ = values ^ values[here[0]]
        bits = np.minimum(np.bitwise_count(differ), np.bitwise_count(differ ^ MIRRORED))
        alike = _most(known, BITS - bits.astype(np.float32))
        said = bits[np.searchsorted(known, alike.numbers)].tolist()
        return replace(alike, said=tuple(f"{of} of {BITS} bits differ" for of in said))

    def of_sentence(self, text: str, by: str) -> Alike:
        """The rows most alike a sentence. Raises ``UsageError``, ``MissingModelError``."""
        if by not in self.columns or by == HASH:
            have = [name for name in self.columns if name != HASH]
            raise UsageError(
                "a sentence is compared with vectors of images: "
                + (
                    f"choose by: {', '.join(have)}"
                    if have
                    else "this run has stored none; "
                    "`measure: [embedding]` in its configuration has them measured"
                )
            )
        text = text.strip()[:LONGEST]
        settings, held = self._settings(by), self._vectors(by)
        with self._guard:
            if by not in self._encoders:
                self._encoders[by] = _encoder(settings)
            return self._encoders[by](text, held)

    def _settings(self, by: str) -> EmbeddingSettings:
        """Which encoder made a column. Raises ``MissingModelError`` where nobody says."""
        settings = self._chosen.settings_of(self._chosen.owner[by])
        if not isinstance(settings, EmbeddingSettings):
            raise MissingModelError(f"{by}: its encoder is not one that sentences can be read by")
        return settings

    @cached_property
    def _chosen(self) -> Chosen:
        run = self._rows.run
        configuration = run.get("configuration", {})
        path, name = self._rows.layout.run, str(run.get("pipeline"))
        return choosing.chosen(loading.of_run(path, name, configuration))

    def _vectors(self, by: str) -> _Vectors:
        with self._guard:
            if by not in self._known:
                column = self._rows.column(by)
                valid = vectors.valid(column)
                values = vectors.rounded(column.filter(pa.array(valid)))
                self._known[by] = _Vectors(np.flatnonzero(valid), values)
            return self._known[by]


def _encoder(settings: EmbeddingSettings) -> Encoder:
    """A function of a sentence and vectors. Raises ``MissingModelError``: no half for texts."""
    from curation.networks import encoders, heads, sentences

    named = settings.named()
    if named.library != "embedded":
        encoders.check(named, texts=True)
        encoder = encoders.image_text_encoder(named)
        return lambda text, held: _most(held.numbers, held.products(encoder.text_vector(text)))
    of_sentences, mapped = sentences.Sentences(), heads.sentence_map()

    def alike(text: str, held: _Vectors) -> Alike:
        """By directions from the mean image, as ``SentenceMap.of_image`` has them."""
        direction, mean = mapped.of_sentence(of_sentences.vector(text)), mapped.image_mean
        lengths = 1 - 2 * held.products(mean) + mean @ mean
        products = held.products(direction) - mean @ direction
        scores = products / np.sqrt(np.maximum(lengths, 1e-6))
        return _most(held.numbers, np.asarray(scores, np.float32))

    return alike


def _most(numbers: Numbers, scores: Floats) -> Alike:
    """The rows with the largest scores, of equal ones the first."""
    count = min(MOST, len(scores))
    if count < len(scores):
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        places = np.flatnonzero(scores >= least)
    else:
        places = np.arange(len(scores))
    order = places[np.argsort(-scores[places], kind="stable")][:count]
    return Alike(numbers[order], tuple(f"{score:.3f} alike" for score in scores[order].tolist()))
