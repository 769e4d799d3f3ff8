"""What a run was asked for."""

from dataclasses import dataclass

from curation.configuration.loading import Pipeline
from curation.sources.fields import USUAL, Columns


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    ``arguments`` are passed on to Beam untouched. ``unit_rows`` is how many rows are measured
    between two points a killed run can go on from. ``verify`` reads all inputs and shards again,
    whatever their times say, and makes anew what is not as it was. ``replace`` lets rows go
    of other inputs that the output holds results of. ``columns`` are read besides the usual
    ones; ``allow_outside`` reads what links and lists name outside the inputs. ``without`` names
    signals to leave out, with all rules on their columns. ``sample`` is how many rows to draw and
    carry out the run on, None for all. ``exclude`` are names of rows to leave out.
    ``reuse`` names other outputs, of which what was measured of the same images is taken over.
    """

    name: str
    pipeline: Pipeline
    inputs: tuple[str, ...]
    output: str
    arguments: tuple[str, ...] = ()
    unit_rows: int = 512
    verify: bool = False
    replace: bool = False
    columns: Columns = USUAL
    allow_outside: bool = False
    without: tuple[str, ...] = ()
    sample: int | None = None
    exclude: tuple[str, ...] = ()
    reuse: tuple[str, ...] = ()
