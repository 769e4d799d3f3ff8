"""A Hugging Face dataset folder: the shards as they are, and a card that says what they are.

Shards carry their features already, so ``load_dataset(FOLDER)`` shows images without being told.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import markupsafe
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from curation import shard, storage
from curation.report import page
from curation.shard import cards, reading
from curation.shard.schema import IMAGE
from curation.shard.selection import EVERY, Asked
from curation.signals.row import SPLITS
from curation.writing.export import rows
from curation.writing.export.format import Options, Source

_CARD = Path(__file__).with_name("card.md")
_BLOCK = 1 << 20
_MOST = 20  # lines of a table
_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))


@dataclass(frozen=True)
class HuggingFace:
    """Parquet under ``data/``, bit by bit the shards unless stripped or some rows of them alone,
    and ``README.md``.
    """

    version: int = 1
    folder: str = "data"
    prefix: str = "train"
    suffix: str = ".parquet"

    def write(self, source: str, target: str, options: Options) -> int:
        """The shard as it is, once its pages are found undamaged; or what is asked for of it."""
        with storage.open_read(source) as stream:
            schema = pq.read_schema(stream)
        _refuse_older(source, schema)
        if options.strip or options.asked != EVERY:
            written = shard.write(target, rows.read(source, options), schema)
            return int(written.rows)
        total = 0
        for batch in shard.read(source):  # its pages against their checksums
            total += int(batch.num_rows)
        with storage.open_read(source) as original, storage.atomic_write(target) as copy:
            while block := original.read(_BLOCK):
                copy.write(block)
        return total

    def beside(self, source: Source) -> Mapping[str, bytes]:
        """The card."""
        return {"README.md": _card(source).encode()}


FORMAT = HuggingFace()


@dataclass
class _Said:
    """What is counted over all rows for the card."""

    licences: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    captions: Counter[str] = field(default_factory=Counter)
    is_edit: bool = False


def _refuse_older(path: str, schema: pa.Schema) -> None:
    version = shard.version_of(schema)
    if version != shard.VERSION:
        raise shard.ShardError(
            f"{path}: of schema version {version or 1}, which other tools would misread; expected "
            f"{shard.VERSION}; {reading.REMEDY}"
        )


def _card(source: Source) -> str:
    said, total = _counted(source), source.rows
    head = {
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": "train", "path": f"{FORMAT.folder}/*{FORMAT.suffix}"}],
            }
        ],
        "task_categories": ["image-to-image" if said.is_edit else "text-to-image"],
        "size_categories": [next((name for size, name in _SIZES if total < size), "n>1M")],
        "license": "other",
        "tags": ["inkstone"],
    }
    if languages := [code for code in sorted(said.languages) if _CODE.fullmatch(code)]:
        head["language"] = languages
    environment = page.environment(_CARD.parent)
    environment.filters |= {"cell": _cell, "number": "{:,.12g}".format, "code": _code}
    card: str = environment.get_template(_CARD.name).render(
        head=markupsafe.Markup(yaml.safe_dump(head, sort_keys=False, allow_unicode=True)),
        rows=total,
        is_edit=said.is_edit,
        size=source.size,
        asked=_said(source.asked),
        shards=len(source.shards),
        counts=source.run.get("counts"),
        stages=source.run.get("configuration", {}).get("stages", {}),
        columns=_columns(source),
        tables={
            "Licences": said.licences.most_common(_MOST),
            "Sources": said.sources.most_common(_MOST),
            "Deepest stage passed": said.stages.most_common(_MOST),
            "Captions": said.captions.most_common(_MOST),
            "Languages of captions": said.languages.most_common(_MOST),
        },
    )
    return card


def _said(asked: Asked) -> list[str]:
    """What rows were asked for, in words."""
    said = [f"that passed stage `{asked.stage}`"] if asked.stage else []
    for name, bound in asked.where.items():
        ends = (("at least", bound.min), ("at most", bound.max))
        own = [f"{word} {end:,.12g}" for word, end in ends if end is not None]
        own += [f"one of {', '.join(map(str, bound.among))}"] if bound.among else []
        said.append(f"whose `{name}` is {' and '.join(own)}")
    return said


def _cell(value: object) -> str:
    """The value for a cell of a Markdown table: on one line, without the mark between cells."""
    return " ".join(str(value).split()).replace("|", "\\|")[:200]


def _code(value: object) -> markupsafe.Markup:
    return markupsafe.Markup(cards.code(value))


def _counted(source: Source) -> _Said:
    said = _Said()
    for info in source.shards:
        path = storage.join(source.folder, info.file)
        for batch in rows.select(path, source.asked, ("licence", "source", "stage", *SPLITS)):
            _count(said, batch)
    return said


def _count(said: _Said, batch: pa.RecordBatch) -> None:
    columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
    said.licences.update(value or "not said" for value in columns["licence"])
    said.sources.update(_site(value) for value in columns["source"])
    said.stages.update(value or "none" for value in columns["stage"])
    for split in SPLITS:
        for captions in columns[split]:
            said.captions.update([split] * len(captions or ()))
            said.languages.update(of["language"] or "not said" for of in captions or ())
    said.is_edit |= any(columns["caption_instruction"])


def _site(source: str | None) -> str:
    """Of an address only the host: a card is no list of addresses."""
    if not source:
        return "not said"
    match = re.match(r"[a-z][a-z0-9+.-]*://([^/?#]*)", source, re.IGNORECASE)
    return match[1].rpartition("@")[2] if match else source


def _columns(source: Source) -> dict[str, dict[str, list[str]]]:
    """Names of columns by their types: those that every shard has, and those of this one."""
    titles = "What every sample has", "What was measured"
    columns: dict[str, dict[str, list[str]]] = {title: {} for title in titles}
    if not source.shards:
        return columns
    with storage.open_read(storage.join(source.folder, source.shards[0].file)) as stream:
        schema = pq.read_schema(stream)
    everywhere = set(shard.schema().names)
    for column in schema:
        of = columns[titles[column.name not in everywhere]]
        of.setdefault(_type(column.type), []).append(column.name)
    return columns


def _type(kind: pa.DataType) -> str:
    """A type in a few words: of what is nested the names alone."""
    if kind == IMAGE:
        return "image"
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        return f"list of {_type(kind.value_type)}"
    if pa.types.is_struct(kind):
        return f"{{{', '.join(field.name for field in kind)}}}"
    return str(kind)
