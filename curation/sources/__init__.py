"""Sources: where raw samples come from, one module per layout."""

from collections.abc import Callable, Collection, Iterator

from curation.sources.fields import Columns
from curation.sources.sample import Layout, Part, Sample, SourceError, Unit
from curation.sources.values import Caption

__all__ = ["Caption", "Layout", "Part", "Sample", "SourceError", "Unit", "read"]


def read(unit: Unit, only: Collection[str] | None = None) -> Iterator[Sample]:
    """The samples of a unit in their fixed order, streaming: one at a time in memory.

    ``only`` names the uris wanted (pass a set); others are skipped, their bytes unread where the
    layout allows it. Never raises for bad content: such a row is a sample with an error.
    """
    reader = _reader(unit.layout)
    if only is None and unit.only is not None:
        only = frozenset(unit.only)
    for part in unit.parts:
        yield from reader(part, only, unit.columns)


def _reader(layout: Layout) -> Callable[[Part, Collection[str] | None, Columns], Iterator[Sample]]:
    if layout == "parquet":
        from curation.sources import parquet  # pyarrow.parquet only where a table is read

        return parquet.read_part
    if layout == "webdataset":
        from curation.sources import webdataset

        return webdataset.read_part
    from curation.sources import files

    return files.read_part
