"""Searching a pool by keywords and by vectors of images, joined by reciprocal rank fusion.

A row's score is the sum, over both lists, of 1 / (60 + rank) (Cormack et al., SIGIR 2009).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curation import storage
from curation.failures.errors import UsageError
from curation.networks import clip_b16
from curation.networks.weights import MissingModelError
from curation.picture import decoding
from curation.picture.decoding import PictureError
from taxonomy import keywords
from taxonomy.keywords import Hits, Index
from taxonomy.pool import Run
from taxonomy.tokens import is_character, tokens
from taxonomy.tree import tree
from taxonomy.vectors import Matrix

RANK = 60  # added to ranks: how little the first few count more than others
LEAST = 0.15  # cosine to be alike: 3 % of images are by chance, and to a sentence, too
COPY = (
    0.98  # cosine from which on two images are as good as one: photographs reach 0.88, pages 0.98
)
LIKE = "like:"


@dataclass(frozen=True)
class Query:
    """What rows are retrieved for (``name``), as ``keywords`` of ``keywords``, a ``sentence`` that
    images are compared with, the name of a row whose image is ``like`` them, or the file of an
    ``image`` that is; each may be empty.
    """

    name: str
    keywords: str = ""
    sentence: str = ""
    like: str = ""
    image: str = ""


def queries(
    lines: Iterable[str],
    nodes: Iterable[str],
    failed: Iterable[str],
    images: Iterable[str] = (),
) -> list[Query]:
    """All that is looked for. Raises ``UsageError`` for a node that is none, and for nothing."""
    made = []
    for line in filter(None, map(str.strip, lines)):
        if line.startswith(LIKE):
            if not (key := line.removeprefix(LIKE).strip()):
                raise UsageError(f"{LIKE} expected the key or id of a row after it")
            made.append(Query(line, like=key))
        else:
            made.append(Query(line, keywords.any_of(line), line))
    for node in nodes:
        if node not in tree().number:
            raise UsageError(f"--node {node}: no such node; expected one as n02084071 or poster")
        name = tree().names[tree().number[node]]
        made.append(Query(f"node {node} {name}", keywords.of_node(node), name))
    made += [Query(f"failed: {text}", keywords.any_of(text), text) for text in failed]
    made += [Query(f"image {storage.name_of(path)}", image=path) for path in images]
    if not made:
        raise UsageError("nothing to look for; expected --queries, --node, --failed or --image")
    return made


def fused(lists: Iterable[Hits]) -> list[tuple[int, float]]:
    """Rows by reciprocal rank fusion of several lists, the best first; ties by row."""
    scores: dict[int, float] = {}
    for hits in lists:
        for rank, (row, _) in enumerate(hits, start=1):
            scores[row] = scores.get(row, 0.0) + 1 / (RANK + rank)
    return sorted(scores.items(), key=lambda of: (-of[1], of[0]))


class Pool:
    """What can be retrieved, in files below ``folder``: texts, and vectors if there are any."""

    def __init__(self, folder: Path) -> None:
        self.index, self._folder = Index(str(folder / "texts.sqlite")), folder
        self.rows = 0
        self.matrix: Matrix | None = None
        self._like: dict[str, NDArray[np.float32]] = {}

    def fill(self, run: Run, selected: set[str] | None, like: Sequence[str]) -> None:
        """Take what is of the pool of a run, and the vectors of rows that others are to be like."""
        for rows, places in run.units(selected, like):
            for place, names in enumerate(zip(rows.ids, rows.keys, strict=True)):
                if rows.vectors is not None:
                    for name in set(names) & set(like):
                        self._like[name] = rows.vectors[place]
            own = rows.taken(places)
            self.index.add(self.rows, [*zip(own.ids, own.keys, own.texts, strict=True)])
            self._add_vectors(own.vectors, len(own.ids))
            self.rows += len(own.ids)
        lacking = [name for name in like if name not in self._like]
        if lacking:
            raise UsageError(f"{LIKE} {lacking[0]}: no row with this key or id has an embedding")

    def _add_vectors(self, vectors: NDArray[np.float32] | None, count: int) -> None:
        if vectors is not None and self.matrix is None:
            self.matrix = Matrix(self._folder / "vectors.bin", vectors.shape[1])
            self.matrix.add(np.zeros((self.rows, vectors.shape[1]), np.float32))
        if self.matrix is not None:
            none = np.zeros((count, self.matrix.size), np.float32)
            self.matrix.add(none if vectors is None else vectors)

    def are_copies(self, row: int, others: Sequence[int]) -> bool:
        """Whether the image of a row is one of the others' again, or nearly."""
        if self.matrix is None or not others:
            return False
        (own,) = self.matrix.at([row])
        return float((self.matrix.at(others) @ own).max()) >= COPY

    def hits(self, every: Sequence[Query], most: int) -> Iterator[list[tuple[int, float]]]:
        """By query the rows that are best by keywords and vectors together. Raises
        ``UsageError`` for an image that cannot be compared.
        """
        if self.matrix is None and (given := next((of for of in every if of.image), None)):
            raise UsageError(f"{given.image}: no row of the pool has an embedding to compare")
        near: dict[str, Hits] = {}
        vectors = dict(self._vectors(every)) if self.matrix is not None else {}
        if vectors and self.matrix is not None:
            nearest = self.matrix.nearest(np.stack([*vectors.values()]), most, LEAST)
            near = dict(zip(vectors, nearest, strict=True))
        for query in every:
            yield fused([self.index.search(query.keywords, most), near.get(query.name, [])])

    def _vectors(self, every: Sequence[Query]) -> Iterator[tuple[str, NDArray[np.float32]]]:
        assert self.matrix is not None
        sentences = _Sentences(self.matrix.size) if any(of.sentence for of in every) else None
        for query in every:
            if query.like:
                yield query.name, self.matrix.direction(self._like[query.like][None])[0]
            elif query.image:
                own = _of_file(query.image, self.matrix.size)
                yield query.name, self.matrix.direction(own[None])[0]
            elif sentences and (vector := sentences.vector(query.sentence)) is not None:
                yield query.name, vector


def _of_file(path: str, size: int) -> NDArray[np.float32]:
    """The vector of the image in a file, by the embedded CLIP. Raises ``UsageError``."""
    if size != clip_b16.SIZE:
        why = f"the pool's vectors have {size} numbers, the embedded CLIP's {clip_b16.SIZE}"
        raise UsageError(f"{path}: {why}; take `like: KEY` of a row of the run")
    try:
        picture = decoding.decode(storage.read_bytes(path))
        return clip_b16.ClipImages().vector(picture.rgb)
    except (OSError, PictureError, MissingModelError) as error:
        raise UsageError(f"--image {path}: {error}") from None


class _Sentences:
    """Sentences as directions among images' vectors, where ``size`` is that of CLIP's here."""

    def __init__(self, size: int) -> None:
        from curation.networks import heads, sentences

        try:
            self._map = heads.sentence_map()
            own = sentences.Sentences() if self._map.image_mean.shape == (size,) else None
        except MissingModelError:
            own = None
        self._sentences = own

    def vector(self, text: str) -> NDArray[np.float32] | None:
        """None where no model here compares such a text, or any, with such images."""
        if self._sentences is None or any(is_character(token) for token in tokens([text])):
            return None
        return np.asarray(self._map.of_sentence(self._sentences.vector(text)), np.float32)
