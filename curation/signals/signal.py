"""What a signal is: a measurement of a row that yields columns and drops nothing.

A signal declares the Arrow type, unit and meaning of every column it yields, its tier (what it
needs to see), what else it reads, its settings, and a version that is raised whenever its values
change. Version, settings and what is read name the files its columns are kept in, so that stored
measurements are never mixed with others.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from curation.networks.weights import MissingModelError
from curation.picture.decoding import SMALL_SIDE
from curation.signals.row import Row

Tier = Literal["file", "pixel", "derived", "pair", "model"]
TIERS: tuple[Tier, ...] = ("file", "pixel", "derived", "pair", "model")
Cost = Literal["light", "medium", "heavy"]
COSTS: tuple[Cost, ...] = ("light", "medium", "heavy")
CAPTIONS = "captions"  # what ``reads`` calls the captions of a row; all else there is a column
SYNTHETIC = "synthetic"  # ... of what the source says: whether the image was rendered
SAID = (CAPTIONS, SYNTHETIC)  # what no signal measures
Measure = Callable[[Sequence[Row]], Sequence[Mapping[str, Any]]]
_LOADING = threading.Lock()
_LOADED: dict[tuple[str, str], Callable[[Any], Any]] = {}


class Settings(BaseModel):
    """What may be set for a signal in ``pipelines.yaml``: nothing, unless it says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def identity(self) -> dict[str, Any]:
        """What columns are kept by, as plain data: all that is set, and all that it names.

        Where a setting names a file, what the file holds belongs to it.
        """
        return self.model_dump(mode="json")

    @property
    def uses_accelerator(self) -> bool:
        """Whether the model that is set runs on a GPU where there is one."""
        return False

    def token_prices(self) -> tuple[float, float]:
        """What a million tokens of prompts and of answers cost; 0 and 0 where nobody said."""
        return 0.0, 0.0


@dataclass(frozen=True)
class Tokens:
    """The columns of integers that say what a language model was asked of a row: how many
    ``answers``, the tokens of all its prompts (``prompt``) and of all its answers (``new``).
    """

    answers: str
    prompt: str
    new: str


@dataclass(frozen=True)
class Column:
    """One measured column: its Arrow type, its unit (with range), and what it says.

    What ``scales`` with the image is stored as a share of its short side, and ruled in pixels at
    the resolution of a stage: characters of 10 pixels at 256 are of 52 at 1328. What is not
    ``in_shards``, such as an embedding, is written into shards where a pipeline asks for it.
    ``categories`` are all that a column of text may hold, where that is known. A model's column
    that ``fills`` another, of a signal that is none, stands in for it where that one is null.
    """

    type: pa.DataType
    unit: str
    meaning: str
    scales: bool = False
    in_shards: bool = True
    categories: tuple[str, ...] = ()
    fills: str | None = None


def _nothing(settings: Any) -> None:
    """What most signals need to have installed."""


@dataclass(frozen=True)
class Signal:
    """A registered measurement.

    ``function`` is, by tier: for ``file`` a function of a ``Header``; for ``pixel`` one of a
    ``Picture``; for ``derived`` one of a mapping with the ``file`` and ``pixel`` columns of the
    row; for ``pair`` one of a ``Pair``, called of edit samples alone; for ``model`` one that loads
    the model and returns a ``Measure``, which takes ``Row`` after ``Row`` and yields as many
    mappings. Each mapping has exactly the keys of ``columns`` and depends on its own row alone.
    Functions of signals with ``settings`` of their own take these as well, last.

    ``reads`` names what a model looks at besides the pixels: what is ``SAID``, or columns of other
    signals; for a ``derived`` signal all that it looks at, which is what explains its value.
    ``short_side`` is what it asks of images, in pixels. ``cost`` orders models, cheapest
    first. ``check`` says before any work, cheaply, whether the model is there; it raises
    ``MissingModelError`` that begins with "needs". After ``patience`` seconds without an answer on
    a batch each of its images is asked about alone, and after as many again that one is given up.
    ``tokens`` are the columns by which the cost of a language model is told before a run.
    A model ``of_pairs`` is asked about edit samples alone, as those of tier ``pair`` are.
    """

    name: str
    tier: Tier
    version: int
    columns: Mapping[str, Column]
    function: Callable[..., Any]
    settings: type[Settings] = Settings
    reads: tuple[str, ...] = ()
    short_side: int = SMALL_SIDE
    cost: Cost = "light"
    check: Callable[[Any], object] = _nothing
    patience: float = 300.0
    tokens: Tokens | None = None
    of_pairs: bool = False

    @property
    def is_of_pairs(self) -> bool:
        """Whether its columns are of edit samples alone: null for others, which no rule on them
        holds for.
        """
        return self.of_pairs or self.tier == "pair"


def signal(
    *, tier: Tier, version: int, columns: Mapping[str, Column], **more: Any
) -> Callable[[Callable[..., Any]], Signal]:
    """Declare the decorated function as a signal named after it; ``more`` are fields of it."""

    def register(function: Callable[..., Any]) -> Signal:
        return Signal(function.__name__, tier, version, dict(columns), function, **more)

    return register


def ready(entry: Signal, settings: Settings | None = None) -> Callable[[Any], Any]:
    """What measures: of a ``Header``, a ``Picture`` or, for a model, a ``Measure``.

    A model is loaded once per process and settings. Raises ``MissingModelError``.
    """
    chosen = settings or entry.settings()
    own = () if entry.settings is Settings else (chosen,)
    if entry.tier != "model":
        return partial(_with, entry.function, own) if own else entry.function
    key = entry.name, chosen.model_dump_json()
    with _LOADING:  # threads of one process share what is loaded
        if key not in _LOADED:
            _LOADED[key] = _load(entry, own)
    return _LOADED[key]


def _with(function: Callable[..., Any], own: tuple[Settings, ...], argument: Any) -> Any:
    return function(argument, *own)


def check(entry: Signal, settings: Settings) -> None:
    """Raises ``MissingModelError``, with what to do, where the signal's model is not there."""
    try:
        entry.check(settings)
    except MissingModelError as error:
        raise _missing(entry, error) from None


def _missing(entry: Signal, error: MissingModelError) -> MissingModelError:
    advice = f"or do without it by --without {entry.name}"
    return MissingModelError(f"the signal {entry.name!r} {error}; {advice}", name=error.name)


def _load(entry: Signal, own: tuple[Settings, ...]) -> Callable[[Any], Any]:
    try:
        measure: Callable[[Any], Any] = entry.function(*own)
    except MissingModelError as error:
        raise _missing(entry, error) from None
    except Exception as error:  # whatever the library that reads the weights calls it
        if isinstance(error, MemoryError):
            raise
        raise MissingModelError(
            f"the signal {entry.name!r} cannot load its model ({type(error).__name__}: "
            f"{error}): install it again, or do without it by --without {entry.name}"
        ) from error
    return measure


def fields(signals: Sequence[Signal]) -> list[pa.Field]:
    """The Arrow fields of the signals' columns, in order; all nullable (null: not measured)."""
    return [
        pa.field(name, column.type) for entry in signals for name, column in entry.columns.items()
    ]
