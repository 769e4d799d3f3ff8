"""What models say of an image in words: its recaption, and its place in the taxonomy."""

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

from curation.output.measured import Measured
from curation.report import text

RECAPTION, PATH = "caption_recaption", "node_path"
SHOWN = 3  # names of a path, the last ones


@dataclass(frozen=True)
class Words:
    """A ``recaption`` and the last names of the ``path`` to the node; blank where there is none."""

    recaption: str = ""
    path: str = ""


def columns(schema: pa.Schema) -> list[str]:
    """The columns that hold words, of those that a run measured."""
    return [name for name in (RECAPTION, PATH) if name in schema.names]


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
            said = " / ".join(caption["text"] for caption in own.get(RECAPTION, ()))
            path = " › ".join(own.get(PATH, ())[-SHOWN:])
            words[uri] = Words(text.prose(said), text.prose(path, 80))
    return words
