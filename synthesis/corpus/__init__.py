"""Texts to render: the small corpus we wrote, or the user's own file.

A user's paragraph that is not the language asked for, or that repeats another, is left out and
counted by its reason; one that is too long is cut between sentences.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from curation.failures.errors import UsageError
from synthesis.corpus import cleaning, fitness, reading
from synthesis.corpus.genres import Genre
from synthesis.corpus.translations import Translation
from synthesis.fonts.languages import LANGUAGES

SHIPPED = Path(__file__).parents[1] / "corpora"
SHIPPED_LICENCE = "CC0-1.0"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One text, rendered whole or not at all; ``\\n`` where it must break (poems, menus).

    Of ours the ``genre`` is known.
    """

    text: str
    genre: Genre | None = None


@dataclass(frozen=True)
class Provenance:
    """Where texts come from: ``file`` is its name without folders, ``digest`` of the texts kept.

    ``read`` counts the file's paragraphs, ``left_out`` those that were not kept, by reason.
    ``licence`` is ``None`` where only the user knows.
    """

    file: str
    digest: str
    licence: str | None
    read: int
    kept: int
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Corpus:
    """Paragraphs without repeats, in the file's order, and the digest of them all.

    ``pages`` are texts of several paragraphs, up to a page long (ours alone has them): kept
    apart, since they fit large images only.
    """

    paragraphs: tuple[Paragraph, ...]
    digest: str
    provenance: Provenance
    pages: tuple[Paragraph, ...] = ()


@cache
def load(language: str, file: str | None = None) -> Corpus:
    """The shipped corpus of ``language``, or the one in ``file``.

    ``.jsonl`` has an object with a string ``text`` per line, ``.parquet`` a column ``text``;
    anything else is plain text, one paragraph per line, or between blank lines where the lines are
    wrapped. Texts are NFC-normalised, without control characters, runs of spaces are one space.
    Raises ``UsageError`` naming file and line.
    """
    if language not in LANGUAGES:
        raise UsageError(f"language {language!r} is not one of {', '.join(LANGUAGES)}")
    if file is None:
        return _shipped(language)
    path = Path(file)
    kept, read, left_out = _kept(reading.texts(path), language)
    if not kept:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(left_out.items()))
        why = f" in language {language!r} ({reasons})" if left_out else ""
        raise UsageError(f"--corpus {path}: no text in it{why}")
    digest = _digest(kept)
    provenance = Provenance(
        path.name, digest, None, read, len(kept), dict(sorted(left_out.items()))
    )
    return Corpus(tuple(map(Paragraph, kept)), digest, provenance)


@cache
def parallel(file: str | None = None) -> tuple[Translation, ...]:
    """Texts in English and Chinese that say the same: ours, or those of ``file``, JSON lines with
    ``en``, ``zh`` and, if it is known, a ``kind``. Raises ``UsageError`` naming file and line.
    """
    path = Path(file) if file else SHIPPED / "parallel.jsonl"
    pairs = dict.fromkeys(reading.parallel(path))
    if not pairs:
        raise UsageError(f"--parallel {path}: no pair of texts in it")
    return tuple(pairs)


def _shipped(language: str) -> Corpus:
    """Ours needs no judging: a test holds it to the same rules."""
    path = SHIPPED / f"{language}.jsonl"
    paragraphs = dict.fromkeys(map(_of_a_genre, path.read_text("utf-8").splitlines()))
    longer = SHIPPED / f"{language}.pages.jsonl"
    pages = dict.fromkeys(map(cleaning.clean, reading.texts(longer))) if longer.exists() else {}
    genres = [str(paragraph.genre) for paragraph in paragraphs]
    digest = _digest([*[paragraph.text for paragraph in paragraphs], *pages, *genres])
    count = len(paragraphs) + len(pages)
    provenance = Provenance(path.name, digest, SHIPPED_LICENCE, count, count)
    return Corpus(tuple(paragraphs), digest, provenance, tuple(map(Paragraph, pages)))


def _of_a_genre(line: str) -> Paragraph:
    row = json.loads(line)
    return Paragraph(cleaning.clean(row["text"]), Genre(row["genre"]))


def _kept(texts: Iterable[str], language: str) -> tuple[list[str], int, Counter[str]]:
    """The paragraphs to render, the number read, and the reasons of those that are left out."""
    kept: dict[str, None] = {}
    left_out: Counter[str] = Counter()
    read = 0
    for text in texts:
        read += 1
        cleaned = cleaning.clean(text)
        reason = fitness.unfit(cleaned, language) if cleaned else "empty"
        pieces = () if reason else cleaning.pieces(cleaned, language)
        new = [piece for piece in pieces if piece not in kept]
        if not new:
            left_out[reason or "repeated"] += 1
        kept.update(dict.fromkeys(new))
    return list(kept), read, left_out


def _digest(texts: Iterable[str]) -> str:
    """BLAKE2b-128 of the texts, without holding them as one."""
    hashed = hashlib.blake2b(digest_size=16)
    for text in texts:
        hashed.update(json.dumps(text).encode() + b"\n")
    return hashed.hexdigest()
