"""What is measured of every caption: signals of a text, found in ``caption_*.py`` beside this file.

A caption signal is a measurement of one text. Runs keep its values as columns of lists by split,
``caption_raw.length``, a value for each caption in their order; each signal in files of its own, so
that another one measures nothing anew. It is measured where a rule of a stage names its column.
What a model measures of each caption beside its image is a column of a ``Signal``, a list named
likewise; rules name it in the same way.
"""

import importlib
import pkgutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from curation.networks.weights import MissingModelError
from curation.signals import discovery
from curation.signals.signal import Column, Settings

SPLITS = ("raw", "recaption", "fused")  # of a row's captions; an instruction is none
OfText = Callable[[str], Mapping[str, Any]]
Said = Mapping[str, Sequence[str] | None]  # a row's captions by split; None: it has none
_LOADING = threading.Lock()
_LOADED: dict[tuple[str, str], OfText] = {}


def _nothing(settings: Any) -> None:
    """What most caption signals need to have installed."""


@dataclass(frozen=True)
class CaptionSignal:
    """A measurement of one text, in ``columns``; a null there is no value a rule could judge.

    ``function`` loads what it needs and returns what measures a text; it takes the ``settings``
    where the signal has any of its own. ``version`` is raised whenever values change. ``check``
    says before any work, cheaply, whether all is there; it raises ``MissingModelError``.
    """

    name: str
    version: int
    columns: Mapping[str, Column]
    function: Callable[..., OfText]
    settings: type[Settings] = Settings
    check: Callable[[Any], object] = _nothing


def caption_signal(
    *, version: int, columns: Mapping[str, Column], **more: Any
) -> Callable[[Callable[..., OfText]], CaptionSignal]:
    """Declare the decorated function as a signal named after it; ``more`` are fields of it."""

    def register(function: Callable[..., OfText]) -> CaptionSignal:
        return CaptionSignal(function.__name__, version, dict(columns), function, **more)

    return register


@cache
def discovered() -> Mapping[str, CaptionSignal]:
    """All caption signals by name. Raises ``ValueError`` for a column claimed twice."""
    package = importlib.import_module("curation.signals")
    names = [entry.name for entry in pkgutil.iter_modules(package.__path__)]
    known: dict[str, CaptionSignal] = {}
    owner: dict[str, str] = {}
    for name in sorted(names):
        if not name.startswith("caption_"):
            continue
        for entry in vars(importlib.import_module(f"curation.signals.{name}")).values():
            if isinstance(entry, CaptionSignal):
                known[entry.name] = entry
                for column_name in entry.columns:
                    if owner.setdefault(column_name, entry.name) != entry.name:
                        both = f"both {owner[column_name]} and {entry.name}"
                        raise ValueError(f"caption column {column_name!r}: {both}")
    return known


def owners() -> dict[str, CaptionSignal]:
    """The signal of each column that a rule on captions may name."""
    return {name: entry for entry in discovered().values() for name in entry.columns}


def known(split: str, modules: tuple[str, ...] = ()) -> dict[str, Column]:
    """All that a rule on the captions of a split may name, signals of other modules among it.

    Raises ``ValueError`` for a module that is none of ours.
    """
    texts = {name: entry.columns[name] for name, entry in owners().items()}
    return texts | by_models(split, modules)


def by_models(split: str, modules: tuple[str, ...] = ()) -> dict[str, Column]:
    """What models measure of each caption of a split, by the name that a rule may use."""
    start = column(split, "")
    every = (of for entry in discovery.discover(modules) for of in entry.columns.items())
    return {name.removeprefix(start): of for name, of in every if name.startswith(start)}


def column(split: str, name: str) -> str:
    """The column of a run's files with the values of the captions of a split."""
    return f"caption_{split}.{name}"


def counted(split: str) -> str:
    """The column of base files that says how many captions of a split the source has."""
    return f"captions_{split}"


def stage_column(split: str) -> str:
    """The group column that says which stage each caption of a split passed."""
    return f"captions_{split}_stage"


def columns(entry: CaptionSignal) -> list[str]:
    """The columns of a run's files that a signal fills."""
    return [column(split, name) for split in SPLITS for name in entry.columns]


def ready(entry: CaptionSignal, settings: Settings | None = None) -> OfText:
    """What measures a text; loaded once per process and settings. Raises ``MissingModelError``."""
    chosen = settings or entry.settings()
    key = entry.name, chosen.model_dump_json()
    with _LOADING:  # threads of one process share what is loaded
        if key not in _LOADED:
            _LOADED[key] = entry.function(*(() if entry.settings is Settings else (chosen,)))
    return _LOADED[key]


def check(entry: CaptionSignal, settings: Settings) -> None:
    """Raises ``MissingModelError``, with what to do, where something that it needs is missing."""
    try:
        entry.check(settings)
    except MissingModelError as error:
        advice = f"or do without it by --without {entry.name}"
        what = f"the caption signal {entry.name!r} {error}; {advice}"
        raise MissingModelError(what, name=error.name) from None


def measured(entry: CaptionSignal, of: OfText, rows: Iterable[Said]) -> pa.Table:
    """The signal's columns of N rows; each distinct text is measured once, by ``of``."""
    values: dict[str, Mapping[str, Any]] = {}
    lists: dict[str, list[list[Any] | None]] = {name: [] for name in columns(entry)}
    for row in rows:
        for split, name, texts in _named(entry, row):
            for text in texts or ():
                if text not in values:
                    values[text] = of(text)
            of_texts = None if texts is None else [values[text][name] for text in texts]
            lists[column(split, name)].append(of_texts)
    types = [(column(s, n), pa.list_(of.type)) for s in SPLITS for n, of in entry.columns.items()]
    return pa.table(lists, schema=pa.schema(types))


def _named(entry: CaptionSignal, row: Said) -> Iterator[tuple[str, str, Sequence[str] | None]]:
    for split in SPLITS:
        for name in entry.columns:
            yield split, name, row.get(split)
