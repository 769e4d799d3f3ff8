"""``import synthesis``: what ``python -m synthesis.render`` does, as a function.

See ``docs/python.md``.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from curation import progress, shard, storage
from curation.failures import arguments
from curation.failures.errors import UsageError
from curation.storage import user_paths
from curation.storage.user_paths import Place
from curation.strict_yaml import expected_one_of
from synthesis import jobs, rendering
from synthesis.job import Mode


@dataclass(frozen=True)
class Rendering:
    """A folder ``out`` of ``images``; ``rejected`` counts texts that others took the place of."""

    out: str
    images: int
    rejected: Mapping[str, int]

    @property
    def shards(self) -> list[str]:
        """Its Parquet files, in order. Raises ``ShardError``, ``OSError``."""
        return shard.paths(self.out)

    @property
    def gallery(self) -> str:
        """The page that shows the images with their boxes."""
        return storage.join(self.out, rendering.GALLERY)

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """The rows, one by one: all columns, or those named. ``image`` has ``bytes``.

        Raises ``ShardError`` where a page does not match its checksum, ``OSError``.
        """
        return shard.rows(self.out, columns)


def render_images(
    lang: str,
    out: Place,
    n: int | None = None,
    *,
    mode: Mode = "pure",
    size: str | None = None,
    seed: int = 1,
    workers: int = 1,
    corpus: Place | None = None,
    corpus_only: bool = False,
    licence: str | None = None,
    fonts: Place | None = None,
    backgrounds: Place | None = None,
    templates: Place | None = None,
    need: Place | None = None,
    kinds: str | None = None,
    parallel: Place | None = None,
    part_size: int = 500,
    show_progress: bool = False,
) -> Rendering:
    """Render ``n`` text images with exact captions and boxes into shards of curation's schema.

    The options are those of ``python -m synthesis.render``, by its names. Run again after any
    interruption it goes on. What may be missed in the images is a Python warning.

    Raises ``UsageError`` for what cannot be rendered, ``OwnershipError`` for a folder of somebody
    else's, ``IncompleteError`` where images are missing, ``OSError``.
    """
    if mode not in get_args(Mode):
        raise UsageError(f"mode {mode!r}: {expected_one_of(mode, get_args(Mode))}")
    arguments.integers(1, n=n, workers=workers, part_size=part_size)
    texts = _place("corpus", corpus)
    job = jobs.prepare(
        lang,
        mode,
        seed=seed,
        size=size,
        corpus=texts,
        corpus_only=corpus_only,
        licence=licence,
        fonts=_place("fonts", fonts),
        backgrounds=_place("backgrounds", backgrounds),
        templates=_place("templates", templates),
        need=_place("need", need),
        kinds=kinds,
        parallel=_place("parallel", parallel),
    )
    count = jobs.number(job, n)
    for note in jobs.notes(job, size, texts):
        warnings.warn(note, stacklevel=2)
    with progress.shown(show_progress):
        place = user_paths.argument("out", out)
        summary = rendering.run(job, count, place, workers, part_size)
    rendering.refuse_missing(summary)
    return Rendering(place, summary["images"], summary["rejected"])


def _place(name: str, place: Place | None) -> str | None:
    return None if place is None else user_paths.argument(name, place)
