"""What became of the rows of each source: by its name, its host, or the folder that holds it."""

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from curation.report.outcome import Unit, plain

SHOWN = 30
MOST = 100_000  # different ones that are told apart
OTHERS = "others"
BY = ("source", "url")  # columns to go by, the first that is there
_HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@]*@)?(?P<host>[^/:?#]+).*$"
_FOLDER = r"^(?P<folder>.*)/[^/]*$"


@dataclass(frozen=True)
class Row:
    """How many rows of a source there are, by what became of them."""

    name: str
    kept: int
    dropped: int
    quarantined: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.kept + self.dropped + self.quarantined


@dataclass
class Origins:
    """Counts by source and verdict; ``by`` is a measured column, None for folders."""

    by: str | None
    counts: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What the rows are counted by."""
        return {None: "folder", "url": "host"}.get(self.by, self.by or "")

    def add(self, unit: Unit) -> None:
        """Count the rows of a unit."""
        names = self._names(unit.signals)
        table = pa.table({"name": names, "verdict": unit.ledger.column("verdict")})
        counted = table.group_by(["name", "verdict"]).aggregate([([], "count_all")])
        for row in counted.to_pylist():
            name = row["name"] or "(none)"
            if name not in self.counts and len(self.counts) >= MOST:
                name = OTHERS
            self.counts.setdefault(name, Counter())[row["verdict"]] += row["count_all"]

    def _names(self, signals: pa.Table) -> pa.ChunkedArray:
        """The source of each row."""
        if self.by is None:
            container = pc.replace_substring_regex(plain(signals.column("uri")), r"#[^#]*$", "")
            folder = pc.extract_regex(container, _FOLDER)
            return pc.coalesce(pc.struct_field(folder, "folder"), pa.scalar("."))
        named = plain(signals.column(self.by))
        if self.by != "url":
            return named
        return pc.struct_field(pc.extract_regex(named, _HOST), "host")

    @property
    def rows(self) -> list[Row]:
        """The largest, and all others together."""
        ordered = sorted(self.counts, key=lambda name: (-self.counts[name].total(), name))
        rest: Counter[str] = Counter()
        for name in ordered[SHOWN:]:
            rest.update(self.counts[name])
        shown = [(name, self.counts[name]) for name in ordered[:SHOWN]]
        if rest:
            shown.append((f"{len(ordered) - SHOWN:,} {OTHERS}", rest))
        return [Row(name, of["kept"], of["dropped"], of["quarantined"]) for name, of in shown]


def chosen(schema: pa.Schema) -> Origins:
    """What to count by, of the columns that are measured."""
    named = [name for name in BY if name in schema.names]
    texts = [name for name in named if pa.types.is_string(schema.field(name).type)]
    return Origins(texts[0] if texts else None)
