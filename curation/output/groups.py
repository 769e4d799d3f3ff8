"""The group columns of a run's units: ``groups/<name>-<digest>/<unit>.parquet``, row by row."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from curation import storage
from curation.output import column_files
from curation.output.finished import OutcomeError
from curation.output.layout import Layout


@dataclass(frozen=True)
class GroupColumns:
    """Where the ``columns`` of a grouping lie; ``refers`` is the one that names another row.

    What ``is_ruled`` by no rule is what rules made of captions.
    """

    folder: str
    columns: tuple[str, ...]
    refers: str | None = None
    is_ruled: bool = True

    @property
    def ruled(self) -> tuple[str, ...]:
        """The columns that rules may name."""
        return tuple(name for name in self.columns if name != self.refers and self.is_ruled)


@dataclass(frozen=True)
class Groups:
    """The group columns of a run, by name of grouping."""

    layout: Layout
    groupings: Mapping[str, GroupColumns]

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders below ``groups`` that are read."""
        return tuple(of.folder for of in self.groupings.values())

    @property
    def ruled(self) -> tuple[str, ...]:
        """The columns of all groupings that rules may name."""
        return tuple(name for of in self.groupings.values() for name in of.ruled)

    @property
    def refers(self) -> dict[str, str]:
        """By ruled column, the column of its grouping that names another row."""
        return {name: of.refers for of in self.groupings.values() if of.refers for name in of.ruled}

    def path(self, name: str, unit: str) -> str:
        """The file of a grouping's columns of a unit."""
        return self.layout.groups(self.groupings[name].folder, unit)

    def whole(self, name: str) -> str:
        """The file of a grouping's summary of all units."""
        return self.layout.whole(self.groupings[name].folder)

    def read(self, unit: str) -> pa.Table:
        """All group columns of a unit. Raises ``ColumnFileError``."""
        tables = [column_files.read(self.path(name, unit)) for name in self.groupings]
        return side_by_side(tables)

    def there(self, unit: str) -> bool:
        """Whether the unit's columns are there."""
        return all(storage.exists(self.path(name, unit)) for name in self.groupings)

    def write(self, unit: str, table: pa.Table) -> None:
        """Write all group columns of a unit. Raises ``OSError``."""
        for name, of in self.groupings.items():
            column_files.write(self.path(name, unit), table.select(of.columns))

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``of_run``."""
        return {name: asdict(of) for name, of in self.groupings.items()}

    @classmethod
    def of_run(cls, output: str, run: Mapping[str, Any]) -> "Groups":
        """Where the group columns of a finished run lie. Raises ``OutcomeError``."""
        layout = Layout(output)
        try:
            return cls(
                layout,
                {
                    name: GroupColumns(
                        of["folder"], tuple(of["columns"]), of["refers"], of["is_ruled"]
                    )
                    for name, of in run["groups"].items()
                },
            )
        except (LookupError, TypeError, AttributeError) as error:
            raise OutcomeError(
                f"{layout.run}: 'groups' should say where the group columns lie ({error!r}); a "
                "run of this version writes it: beam run into the same output"
            ) from error


def side_by_side(tables: list[pa.Table]) -> pa.Table:
    """The columns of tables of as many rows."""
    columns = [(name, table.column(name)) for table in tables for name in table.column_names]
    return pa.table(dict(columns))
