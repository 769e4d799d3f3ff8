"""``beam gate``: an independent check of finished shards, as Great Expectations.

What the pipeline promised is written down as expectations derived from the run's configuration and
checked against the shards themselves, so that a bug in judging or writing cannot vouch for itself.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import pyarrow as pa

from curation import finished, shard, storage
from curation.layout import Layout
from curation.ledger import LedgerError
from curation.rules import GROUP_COLUMNS


@dataclass(frozen=True)
class Expectation:
    """One checked promise: what was expected of which column and how many rows break it."""

    name: str
    column: str
    passed: bool
    unexpected: int

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return asdict(self)


def check(output: str) -> list[Expectation]:
    """Check the shards of a run, or raise.

    Raises ``OutcomeError`` without a run, ``LedgerError`` if a promise is broken,
    ``ShardError`` for a shard that cannot be trusted, ``ImportError`` without the extra ``gate``.
    """
    layout = Layout(output)
    told = finished.read_run(output)
    rows, configuration = _rows(layout.shards), told["configuration"]
    found = _validate(rows, configuration, told["counts"]["kept"])
    found += _shares(rows, configuration)
    broken = [entry for entry in found if not entry.passed]
    if broken:
        names = ", ".join(f"{entry.name}({entry.column}): {entry.unexpected}" for entry in broken)
        raise LedgerError(f"{layout.shards}: rows that break a promise: {names}")
    return found


def as_text(found: list[Expectation]) -> str:
    """One line per promise."""
    return "\n".join(f"ok  {entry.column:<16}{entry.name}" for entry in found)


def _rows(directory: str) -> pa.Table:
    """All shards' columns but the pictures' bytes, which are checked against their ids here."""
    tables: list[pa.Table] = []
    for info in shard.read_manifest(directory):
        for batch in shard.read(storage.join(directory, info.file)):
            data = batch.column("image").field("bytes")
            same = [
                shard.content_id(value.as_py()) == name
                for value, name in zip(data, batch.column("id").to_pylist(), strict=True)
            ]
            table = pa.Table.from_batches([batch.drop_columns(["image"])])
            tables.append(table.append_column("content_matches", pa.array(same, pa.bool_())))
    return pa.concat_tables(tables) if tables else shard.schema().empty_table()


def _bounds(configuration: dict[str, Any]) -> Iterator[tuple[str, float | None, float | None]]:
    """Every bound that a kept row must satisfy: those of the stages up to ``keep``."""
    for name, stage in _stages(configuration):
        for column, bound in stage["bounds"].items():
            yield column, bound.get("min"), bound.get("max")
        if name == configuration["keep"]:
            return


def _stages(configuration: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    stages = configuration["stages"]
    return list(stages.items()) if isinstance(stages, dict) else [(s["name"], s) for s in stages]


def _validate(table: pa.Table, configuration: dict[str, Any], kept: int) -> list[Expectation]:
    os.environ["GX_ANALYTICS_ENABLED"] = "False"  # nothing is sent anywhere
    import great_expectations as gx
    from great_expectations import expectations as expect

    nested = {"text_boxes", *(name for name in table.column_names if name.startswith("caption_"))}
    frame = table.drop_columns(sorted(nested & set(table.column_names))).to_pandas()
    names = [name for name, _ in _stages(configuration)]
    wanted: list[Any] = [
        expect.ExpectTableRowCountToEqual(value=kept),
        expect.ExpectColumnValuesToNotBeNull(column="id"),
        expect.ExpectColumnValuesToNotBeNull(column="key"),
        expect.ExpectColumnValuesToBeInSet(column="stage", value_set=names),
    ]
    if len(frame):
        wanted.append(
            expect.ExpectColumnValuesToBeInSet(column="content_matches", value_set=[True])
        )
        for column, low, high in _bounds(configuration):
            if column != "size":
                wanted.append(
                    expect.ExpectColumnValuesToBeBetween(
                        column=column, min_value=low, max_value=high
                    )
                )
                if column not in GROUP_COLUMNS:
                    wanted.append(expect.ExpectColumnValuesToNotBeNull(column=column))
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("shards").add_dataframe_asset("rows")
    batch = source.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    result = batch.validate(gx.ExpectationSuite(name="shards", expectations=wanted))
    return [_told(entry) for entry in result.results]


def _shares(table: pa.Table, configuration: dict[str, Any]) -> Iterator[Expectation]:
    """At most the configured share is drawn of what passes the stage, or one after it."""
    mix = configuration.get("synthetic")
    if mix is None:
        return
    names = [name for name, _ in _stages(configuration)]
    kinds = (table.column(name).to_pylist() for name in ("stage", "synthetic"))
    rows = Counter(zip(*kinds, strict=True))
    for number in range(names.index(mix["from"]), len(names)):
        drawn, others = (sum(rows[name, kind] for name in names[number:]) for kind in (True, False))
        most = int((drawn + others) * Fraction(str(mix["share"]))) if others else drawn
        beyond = drawn - most
        yield Expectation(f"share_from_{names[number]}", "synthetic", beyond <= 0, max(0, beyond))


def _told(entry: Any) -> Expectation:
    settings = entry.expectation_config
    return Expectation(
        settings.type,
        settings.kwargs.get("column", "rows"),
        bool(entry.success),
        int(entry.result.get("unexpected_count", 0) or 0),
    )
