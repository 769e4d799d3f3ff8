"""What sources say of an image besides its bytes: one table of columns, for all layouts.

The names of images themselves are in ``image_names``.

A line of ``SourceColumns`` is a column of samples and shards: its names in tables, manifests and
JSON files (in any case: ``TEXT``, ``Caption``), how the values under them are parsed, and what of
several sources counts. A new source column is a line here, and its Arrow type in ``shard.schema``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from curation.sources import values
from curation.sources.values import LANGUAGE, Captions, InputBoxes, Mask, TextBoxes, Value


class Name(NamedTuple):
    """A name in sources, in lower case; captions under it are of this language, if one is told."""

    name: str
    language: str | None = None


class Kind(NamedTuple):
    """``parse`` makes of a row's values, in the order of their names, the column's one value;
    ``merge`` makes one of those of several sources, the first of which counts most.
    """

    parse: Callable[[list[Value]], Any]
    merge: Callable[[Iterable[Any]], Any]


CAPTIONS = Kind(values.captions, values.united)
TEXT = Kind(values.text, values.first)
BOXES = Kind(values.text_boxes, values.first)
INPUT_BOXES = Kind(values.input_boxes, values.first)
MASK = Kind(values.mask, values.first)
LABEL = Kind(values.label, values.first)
NUMBER = Kind(values.weight, values.first_given)
FLAG = Kind(values.flag, any)


class Column(NamedTuple):
    """A line of the table. Where a signal measures a ``measurable`` one, that is what counts;
    captions that a source has are not replaced.
    """

    name: str
    kind: Kind
    names: tuple[Name, ...]
    measurable: bool


def _told(kind: Kind, *names: Name, measurable: bool = False) -> dict[str, Any]:
    """A line of the table, whose names are those after the column's own."""
    return {"kind": kind, "names": names, "measurable": measurable}


_TRANSLATED = ("caption", "text", "prompt", "description", "alt")
# A closed list: text_id is a number and not Indonesian, alt_no no Norwegian.
_LANGUAGES = (
    *("ar", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hu", "it", "ja"),
    *("ko", "nl", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh"),
)
_CAPTION_NAMES = (  # in the order in which captions are given
    *map(Name, ("caption", "captions", "text", "prompt", "description", "alt", "alt_text")),
    *map(Name, ("target_caption", "edited_prompt")),  # of what an edit made
    *(Name(f"{name}_{spoken}", spoken) for name in _TRANSLATED for spoken in _LANGUAGES),
)
_INSTRUCTION_NAMES = (
    *map(Name, ("instruction", "edit_instruction", "edit_prompt", "edited_prompt_list", "edit")),
    *(
        Name(f"{name}_{spoken}", spoken)
        for name in ("instruction", "edit_instruction", "edit_prompt")
        for spoken in _LANGUAGES
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceColumns:
    """The table. A column is None where nothing is said, and captions are kept when empty."""

    caption_raw: Captions = field(default=None, metadata=_told(CAPTIONS, *_CAPTION_NAMES))
    caption_recaption: Captions = field(default=None, metadata=_told(CAPTIONS, measurable=True))
    caption_fused: Captions = field(default=None, metadata=_told(CAPTIONS, measurable=True))
    caption_instruction: Captions = field(
        default=None, metadata=_told(CAPTIONS, *_INSTRUCTION_NAMES, measurable=True)
    )
    annotation: str | None = field(default=None, metadata=_told(TEXT, measurable=True))
    text_boxes: TextBoxes = field(default=None, metadata=_told(BOXES, measurable=True))
    edit_kind: str | None = field(default=None, metadata=_told(LABEL, measurable=True))
    edit_operation: str | None = field(default=None, metadata=_told(LABEL, measurable=True))
    edit_mask: Mask = field(default=None, metadata=_told(MASK))
    input_boxes: InputBoxes = field(default=None, metadata=_told(INPUT_BOXES))
    source: str | None = field(default=None, metadata=_told(TEXT, Name("url")))
    licence: str | None = field(default=None, metadata=_told(TEXT, Name("license")))
    synthetic: bool = field(default=False, metadata=_told(FLAG))
    category: str | None = field(default=None, metadata=_told(LABEL, measurable=True))
    domain: str | None = field(default=None, metadata=_told(LABEL, measurable=True))
    weight: float | None = field(default=None, metadata=_told(NUMBER, measurable=True))


TABLE = tuple(
    Column(
        line.name,
        line.metadata["kind"],
        (Name(line.name), *line.metadata["names"]),
        line.metadata["measurable"],
    )
    for line in fields(SourceColumns)
)
NAMES = tuple(column.name for column in TABLE)
MEASURABLE = tuple(column.name for column in TABLE if column.measurable)
CAPTION_COLUMNS = tuple(column.name for column in TABLE if column.kind is CAPTIONS)
STATUS, ERROR_MESSAGE = ("status",), ("error_message",)
KEY = ("key", "__key__")
_PLACES = {
    name.name: (column, rank, name.language)
    for column in TABLE
    for rank, name in enumerate(column.names)
}
_KNOWN = frozenset((*_PLACES, *LANGUAGE, *STATUS, *ERROR_MESSAGE))


@dataclass(frozen=True, slots=True)
class Columns:
    """What to read besides the usual names.

    ``captions`` are read as raw captions instead of the usual names of those; ``key`` tells the
    key, where a row has it; ``keep`` are passed on as they are.
    """

    captions: tuple[str, ...] = ()
    key: str | None = None
    keep: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """All that the user named."""
        return (*self.captions, *((self.key,) if self.key else ()), *self.keep)


USUAL = Columns()


def parsed(row: Mapping[str, Any], columns: Columns, where: str | None) -> dict[str, Any]:
    """All columns of the table, as a row says them; ``where`` is the kind of file that holds it."""
    language = values.first_text(values.usual(row, LANGUAGE))
    said: dict[str, list[Value]] = {name: [] for name in NAMES}
    for column, name, known in _present(row, columns):
        spoken = known or (None if name == column else language)
        origin = values.clean(f"{where}: {name}" if where else name)
        said[column].append(Value(row[name], spoken, origin))
    return {column.name: column.kind.parse(said[column.name]) for column in TABLE}


def _present(row: Iterable[str], columns: Columns) -> list[tuple[str, str, str | None]]:
    """Which of a row's names are columns, as (column, name, language), in the order of names."""
    places = [(_PLACES[folded], name) for name in row if (folded := name.casefold()) in _PLACES]
    places.sort(key=lambda place: (place[0][1], place[1]))
    usual = [(column.name, name, language) for (column, _, language), name in places]
    if not columns.captions:
        return usual
    raw, there = TABLE[0].name, set(row)
    wanted = [(raw, name, _language(name)) for name in columns.captions if name in there]
    return [*wanted, *(entry for entry in usual if entry[0] != raw)]


def _language(name: str) -> str | None:
    place = _PLACES.get(name.casefold())
    return place[2] if place else None


def read_of(names: Iterable[str], columns: Columns = USUAL) -> list[str]:
    """Which of a table's columns are read at all, the image and the usual keys apart."""
    return [name for name in names if name.casefold() in _KNOWN or name in columns.named]
