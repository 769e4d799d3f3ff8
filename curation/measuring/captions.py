"""What is measured of a unit's captions, beside its base file and with the same rows."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from curation import storage
from curation.output import column_files
from curation.output.measured import ROWS, Measured
from curation.signals import captions
from curation.signals.captions import SPLITS, CaptionSignal, OfText, Said
from curation.sources.sample import Sample


def noted(samples: Iterable[Sample], said: dict[str, Said]) -> Iterator[Sample]:
    """The samples, while their captions are noted by location."""
    for sample in samples:
        splits = {split: getattr(sample, f"caption_{split}") for split in SPLITS}
        said[sample.uri] = {
            split: None if of is None else [caption.text for caption in of]
            for split, of in splits.items()
        }
        yield sample


def is_of(measured: Measured, name: str, unit: str, rows: bytes) -> bool:
    """Whether a signal's file of the unit is there and of these rows, by their digest."""
    path = measured.caption_path(name, unit)
    if not storage.exists(path):
        return False
    try:
        return (column_files.read_schema(path).metadata or {}).get(ROWS) == rows
    except column_files.ColumnFileError:
        return False


def measure(entry: CaptionSignal, of: OfText, base: pa.Table, said: dict[str, Said]) -> pa.Table:
    """The signal's columns of the rows of a base file, by what was ``said`` of each."""
    table = captions.measured(entry, of, (said[uri] for uri in base.column("uri").to_pylist()))
    return table.replace_schema_metadata({ROWS: base.schema.metadata[ROWS]})
