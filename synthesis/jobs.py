"""From the words of a command line to a ``Job``: sizes, fonts and texts looked up and checked."""

import re
from typing import cast

from synthesis import corpus as corpora
from synthesis import font_files, strings
from synthesis.job import Job, Style
from synthesis.problems import UsageError

PARAGRAPH_SIZE = (256, 256)
LARGEST_SIDE = 4096


def prepare(
    language: str,
    style: str,
    *,
    seed: int = 1,
    size: str | None = None,
    corpus: str | None = None,
    licence: str | None = None,
    fonts: str | None = None,
) -> Job:
    """The job those settings mean. Raises ``UsageError`` for what cannot be done."""
    chosen = cast(Style, style)
    if chosen == "strings":
        canvas = _parse_size(size) if size else strings.DEFAULT_SIZE[language]
        strings.check_size(language, *canvas)
        if corpus or licence:
            raise UsageError("--corpus and --licence are for style paragraph: strings has no texts")
        face = strings.choose_face(language, fonts)
        characters = strings.CHARACTERS[language]
        return Job(language, chosen, seed, canvas, (face,), (), characters, corpora.SHIPPED_LICENCE)
    canvas = _parse_size(size) if size else PARAGRAPH_SIZE
    texts = corpora.load(language, corpus)
    own = None if corpus else corpora.SHIPPED_LICENCE
    faces = font_files.find(language, fonts)
    return Job(
        language, chosen, seed, canvas, faces, texts.paragraphs, texts.digest, licence or own
    )


def _parse_size(size: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})[xX×](\d{1,5})", size.strip())
    width, height = map(int, match.groups()) if match else (0, 0)
    if not (16 <= width <= LARGEST_SIDE and 16 <= height <= LARGEST_SIDE):
        raise UsageError(
            f"--size {size}: expected WIDTHxHEIGHT, each 16 to {LARGEST_SIDE}, such as 256x256"
        )
    return width, height
