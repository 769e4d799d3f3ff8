"""The names under which sources tell captions and more: in tables, manifests and JSON files.

One table for all sources. Names are taken in any case (``TEXT``, ``Caption``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Split = Literal["caption_raw", "caption_recaption", "caption_fused"]
SPLITS: tuple[Split, ...] = ("caption_raw", "caption_recaption", "caption_fused")


@dataclass(frozen=True, slots=True)
class CaptionField:
    """A field that holds captions: its name, the split they belong to, their language if fixed."""

    name: str
    split: Split
    language: str | None = None


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
_PLAIN = ("caption", "captions", "text", "prompt", "description", "alt", "alt_text")
_TRANSLATED = ("caption", "text", "prompt", "description", "alt")
# A closed list: text_id is a number and not Indonesian, alt_no no Norwegian.
_LANGUAGES = (
    *("ar", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hu", "it", "ja"),
    *("ko", "nl", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh"),
)
CAPTION_FIELDS: tuple[CaptionField, ...] = (  # in the order in which captions are given
    *(CaptionField(split, split) for split in SPLITS),
    *(CaptionField(name, "caption_raw") for name in _PLAIN),
    *(
        CaptionField(f"{name}_{language}", "caption_raw", language)
        for name in _TRANSLATED
        for language in _LANGUAGES
    ),
)
LANGUAGE = ("language", "lang")
LICENCE = ("licence", "license")
SOURCE = ("source", "url")
OTHERS = (
    *(*LANGUAGE, *LICENCE, *SOURCE),
    *("synthetic", "annotation", "text_boxes", "status", "error_message"),
)
_BY_NAME = {field.name: field for field in CAPTION_FIELDS}
_RANK = {field.name: place for place, field in enumerate(CAPTION_FIELDS)}
_KNOWN = frozenset((*_BY_NAME, *OTHERS))


def caption_fields(
    names: Iterable[str], columns: Columns = USUAL
) -> list[tuple[str, CaptionField]]:
    """Which of a row's names hold captions, in the order in which these are given."""
    found = [(name, _BY_NAME[name.casefold()]) for name in names if name.casefold() in _BY_NAME]
    found.sort(key=lambda pair: (_RANK[pair[1].name], pair[0]))
    if not columns.captions:
        return found
    there = set(names)
    wanted = [(name, _named(name)) for name in columns.captions if name in there]
    return [*wanted, *(pair for pair in found if pair[1].split != "caption_raw")]


def _named(name: str) -> CaptionField:
    usual = _BY_NAME.get(name.casefold())
    return CaptionField(name, "caption_raw", usual.language if usual else None)


def read_of(names: Iterable[str], columns: Columns = USUAL) -> list[str]:
    """Which of a table's columns are read at all, the image and the usual keys apart."""
    return [name for name in names if name.casefold() in _KNOWN or name in columns.named]


def usual(row: Mapping[str, Any], names: Iterable[str]) -> list[Any]:
    """What a row says under these names, in their order."""
    wanted = list(names)
    found = sorted(
        (wanted.index(name.casefold()), name) for name in row if name.casefold() in wanted
    )
    return [row[name] for _, name in found]
