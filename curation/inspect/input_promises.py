"""What ``beam gate`` checks of the inputs of edits: what was measured of those of kept pairs is
held against the bounds anew. Shards have no columns of it; it lies beside the run.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.inspect.expectation import EXAMPLES, Expectation
from curation.output import column_files, input_columns
from curation.output.layout import Layout
from curation.output.measured import Measured

_KIND, _SIZE = "edit_kind", "input_bytes"
Bounds = Iterable[tuple[str, Mapping[str, Any], float]]  # column, bound, what it is scaled by


def promises(output: str, run: Mapping[str, Any], bounds: Bounds) -> Iterator[Expectation]:
    """Of each of the ``bounds`` on columns of an image: no input of a kept pair is beyond it, and
    none is null, but of a kind for whose inputs another bound holds. Nothing without pairs, or
    where the ledger is not beside the shards. Raises ``ColumnFileError``.
    """
    of_inputs = run.get("of_inputs", ())
    asked = [(name, bound, scale) for name, bound, scale in bounds if name in of_inputs]
    edits = run["configuration"].get("edits", {})
    joined: dict[int, Expectation] = {}
    for unit in Layout(output).units("ledger"):
        rows = _kept(output, run, unit, sorted({name for name, _, _ in asked}))
        for number, (name, bound, scale) in enumerate(asked if rows.num_rows else ()):
            free = [kind for kind, instead in edits.items() if name in instead["inputs"]]
            held = rows.filter(pc.invert(pc.is_in(rows.column(_KIND), pa.array(free, pa.string()))))
            entry = _held(held.column(input_columns.column(name)), name, bound, scale)
            joined[number] = joined[number].joined(entry) if number in joined else entry
    yield from joined.values()


def _kept(output: str, run: Mapping[str, Any], unit: str, names: Sequence[str]) -> pa.Table:
    """The kept pairs of a unit: their kinds, and lists of what was measured of their inputs."""
    measured = Measured.of_run(output, run)
    verdicts = column_files.read(Layout(output).ledger(unit), ("verdict",)).column(0)
    table = measured.read(unit, (_SIZE, _KIND) if names else (_SIZE,))
    is_pair = column_files.as_float(table.column(_SIZE)) > 0
    here = np.flatnonzero(is_pair & np.asarray(pc.equal(verdicts, "kept"), np.bool_))
    if not names or not len(here):
        return table.slice(0, 0)
    return measured.with_inputs(table, unit, names).take(pa.array(here))


def _held(lists: pa.ChunkedArray, name: str, bound: Mapping[str, Any], scale: float) -> Expectation:
    """How many inputs a bound does not hold for; a pair without any that were measured is one."""
    values = [value for row in lists.to_pylist() for value in (row or (None,))]
    broken = [value for value in values if value is None or not _within(value, bound, scale)]
    says = f"of inputs {_says(bound, scale)}, never null"
    examples = tuple(str(value)[:60] for value in broken[:EXAMPLES])
    return Expectation("of_inputs", name, not broken, len(broken), len(values), says, examples)


def _within(value: Any, bound: Mapping[str, Any], scale: float) -> bool:
    if "in" in bound:
        return str(value) in map(str, bound["in"])
    low, high = bound.get("min"), bound.get("max")
    measured = float(value) * scale
    return (low is None or measured >= low) and (high is None or measured <= high)


def _says(bound: Mapping[str, Any], scale: float) -> str:
    if "in" in bound:
        return f"one of {', '.join(map(str, bound['in']))}"
    ends = (("at least", "min"), ("at most", "max"))
    return " and ".join(
        f"{word} {bound[of] / scale:g}" for word, of in ends if bound.get(of) is not None
    )
