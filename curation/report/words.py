"""What models say of an image in words: its captions, and its place in the taxonomy."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from curation.output.measured import Measured
from curation.report import text

RECAPTION, FUSED, PATH = "caption_recaption", "caption_fused", "node_path"
INSTRUCTION = "caption_instruction"
WRITTEN = (RECAPTION, FUSED, INSTRUCTION)  # by models
SHOWN = 3  # names of a path, the last ones
CAPTIONS = 8  # of a split
LONGEST = 900  # characters of a caption
_CODE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True)
class Said:
    """A caption on one line, and its language as a BCP 47 code, blank where it is not known."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Words:
    """A ``recaption`` and the last names of the ``path`` to the node; blank where there is none.

    ``captions`` are all that models wrote, by column.
    """

    recaption: str = ""
    path: str = ""
    captions: Mapping[str, tuple[Said, ...]] = field(default_factory=dict)


def columns(schema: pa.Schema) -> list[str]:
    """The columns that hold words, of those that a run measured."""
    return [name for name in (*WRITTEN, PATH) if name in schema.names]


def said(captions: Iterable[tuple[str, str | None]]) -> tuple[Said, ...]:
    """The first of these captions, each with its language as whoever gave it says."""
    first = [of for of, _ in zip(captions, range(CAPTIONS), strict=False)]
    return tuple(Said(text.prose(of, LONGEST), _code(language)) for of, language in first)


def _code(language: str | None) -> str:
    return language if language and _CODE.fullmatch(language) else ""


def measured(
    columns_of: Measured, unit: str, names: Collection[str], uris: Collection[str]
) -> dict[str, Words]:
    """The words of these rows of a unit, by location."""
    if not names:
        return {}
    words: dict[str, Words] = {}
    table = columns_of.read(unit, ["uri", *names])
    for row, uri in enumerate(table.column("uri").to_pylist()):
        if uri in uris:
            own = {name: table.column(name)[row].as_py() or () for name in names}
            captions = {
                name: said((of["text"], of["language"]) for of in own[name])
                for name in WRITTEN
                if own.get(name)
            }
            written = " / ".join(of["text"] for of in own.get(RECAPTION, ()))
            path = " › ".join(own.get(PATH, ())[-SHOWN:])
            words[uri] = Words(text.prose(written), text.prose(path, 80), captions)
    return words
