"""A little grouping for tests: how many rows share a category, and which of them is first."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from curation.groupings.grouping import PASSED
from curation.signals.signal import Column, Settings


class Options(Settings):
    """``least`` stages must be passed by a row that counts."""

    least: Annotated[int, Field(ge=0)] = 1


class Alike:
    """How many rows of the collection are of a row's format, and pass a stage by their own rules.

    ``reads`` the format and the stages passed; a row without a format has none alike.
    """

    name, version, refers = "alike", 1, None
    reads: Sequence[str] = ("format", PASSED)
    columns: Mapping[str, Column] = {"alike": Column(pa.int64(), "rows", "rows of its format")}
    options = Options

    def __init__(self, options: Options = Options()) -> None:  # noqa: B008
        self.settings: Mapping[str, Any] = options.model_dump()

    def with_options(self, options: Options) -> "Alike":
        return Alike(options)

    def summary(self, unit: str, rows: pa.Table) -> pa.Table:
        passing = rows.filter(pc.greater_equal(rows.column(PASSED), self.settings["least"]))
        return self._added(passing.select(["format"]).append_column(
            "rows", pa.array([1] * passing.num_rows, pa.int64())))  # fmt: skip

    def merge(self, a: pa.Table, b: pa.Table) -> pa.Table:
        return self._added(pa.concat_tables([a, b]))

    def measure(self, unit: str, rows: pa.Table, summary: pa.Table) -> pa.Table:
        place = pc.index_in(rows.column("format"), value_set=summary.column("format"))
        return pa.table({"alike": summary.column("rows").take(place)})

    def notes(self, summary: pa.Table) -> list[str]:
        return [f"formats: {', '.join(summary.column('format').to_pylist())}"]

    def _added(self, counted: pa.Table) -> pa.Table:
        named = counted.filter(pc.is_valid(counted.column("format")))
        total = named.group_by("format").aggregate([("rows", "sum")]).sort_by("format")
        return total.rename_columns(["format", "rows"])


ALIKE = Alike()
