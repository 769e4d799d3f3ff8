"""What the columns of a run mean, and in which unit their values are."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from curation.groupings import discovery as groupings
from curation.signals import captions, discovery
from curation.signals.signal import Column, Signal

FILE_SIZE = Column(pa.int64(), "bytes", "length of the file")


def described(run: Mapping[str, Any]) -> dict[str, Column]:
    """The columns by name, where their signals and groupings are still there to say so."""
    modules = run.get("configuration", {}).get("groupings") or ()
    columns = {"size": FILE_SIZE}
    for name, of in captions.owners().items():  # lists, a value for each caption
        columns |= {captions.column(split, name): of.columns[name] for split in captions.SPLITS}
    for entry in _signals(run):
        columns |= entry.columns
    try:
        for grouping in groupings.discover(tuple(map(str, modules))):
            columns |= grouping.columns
    except ImportError:
        pass
    return columns


def evidence(run: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """By derived column those it was computed from, where its signal is still there to say so."""
    derived = [entry for entry in _signals(run) if entry.tier == "derived"]
    return {column: entry.reads for entry in derived for column in entry.columns}


def _signals(run: Mapping[str, Any]) -> list[Signal]:
    modules = run.get("configuration", {}).get("signals") or ()
    try:
        return discovery.discover(tuple(map(str, modules)))
    except (ImportError, ValueError):
        return []
