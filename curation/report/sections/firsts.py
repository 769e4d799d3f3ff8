"""A few rows of each category, chosen by their ids: content hashes, so that it favours nothing."""

from collections.abc import Callable, Hashable, Iterable, MutableMapping
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.report.nearest import Pick, picks
from curation.report.outcome import Unit

K = TypeVar("K", bound=Hashable)


def add(
    kept: MutableMapping[K, list[Pick]],
    unit: Unit,
    rows: NDArray[np.int64],
    names: Iterable[pa.ChunkedArray],
    key: Callable[..., K],
    most: int,
) -> list[Pick]:
    """Add of these ``rows`` of a unit those that are among the first of their category.

    ``key`` makes the category of a row's ``names`` (columns of the unit); at most ``most`` of each
    are kept. Returns what was added; the ``value`` of each is its row in the unit.
    """
    columns = {f"name {n}": of.take(pa.array(rows)) for n, of in enumerate(names)}
    table = pa.table({**columns, "id": unit.signals.column("id").take(pa.array(rows))})
    order = pc.sort_indices(table, [(name, "ascending") for name in table.column_names])
    table = table.take(order)
    categories = list(zip(*(table.column(name).to_pylist() for name in columns), strict=True))
    chosen: list[tuple[K, int]] = []
    place = 0
    for number, (category, identity) in enumerate(
        zip(categories, table.column("id").to_pylist(), strict=True)
    ):
        place = place + 1 if number and category == categories[number - 1] else 0
        if place < most:
            own = kept.get(of := key(*category), [])
            if len(own) < most or identity < own[-1].id:
                chosen.append((of, int(rows[order[number].as_py()])))
    places = np.array([row for _, row in chosen], np.int64)
    numbers = np.arange(unit.signals.num_rows, dtype=np.float64)
    added = picks(unit, places, numbers, np.zeros(len(places)))
    for (of, _), pick in zip(chosen, added, strict=True):
        own = sorted([*kept.get(of, ()), pick], key=lambda pick: (pick.id, pick.uri))
        kept[of] = own[:most]
    return added
