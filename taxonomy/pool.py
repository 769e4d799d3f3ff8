"""The rows of a run that were not selected, though they pass every rule but a quota."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curation import storage
from curation.failures.errors import UsageError

TEXT = "search_text"
_UNREADABLE = (OSError, pa.ArrowException, ValueError)


@dataclass(frozen=True)
class Rows:
    """N rows of a unit: ``ids``, ``keys``, ``texts``, and ``vectors`` (N, D) if there are any."""

    ids: list[str]
    keys: list[str]
    texts: list[str]
    vectors: NDArray[np.float32] | None

    def taken(self, places: NDArray[np.int64]) -> "Rows":
        """Those at these places."""
        numbers = places.tolist()
        ids, keys, texts = (
            [of[place] for place in numbers] for of in (self.ids, self.keys, self.texts)
        )
        return Rows(ids, keys, texts, None if self.vectors is None else self.vectors[places])


class Run:
    """A finished run in ``output``, whose embeddings are in the column ``embedding`` if any.

    Raises ``UsageError`` for a folder that holds none, or one in which no text can be searched.
    """

    def __init__(self, output: str, embedding: str) -> None:
        self.output, self._embedding = output, embedding
        try:
            run = json.loads(storage.read_bytes(storage.join(output, "run.json")))
            self._models: Mapping[str, Any] = run["signals"]["models"]
            quotas = run["configuration"].get("quotas", {})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{output}: expected the output of a finished run ({error})") from None
        self._quotas = {f"{name}.{side}" for name in quotas for side in ("min", "max")}
        ledgers = storage.list_folder(storage.join(output, "ledger"))
        self._units = [storage.name_of(entry.path).removesuffix(".parquet") for entry in ledgers]

    def check(self) -> None:
        """Raises ``UsageError`` unless it was measured what the rows say."""
        if not any(storage.exists(self._path(TEXT, unit)) for unit in self._units):
            raise UsageError(
                f"{self.output}: no column {TEXT!r} in it; expected a run with signals: "
                "[taxonomy.signals, taxonomy.retrieval] and a quota by cut_limited or "
                "domain_limited, or measure: [search_text]"
            )

    def kept(self) -> set[str]:
        """The ids of all kept rows."""
        every = (self._ledger(unit) for unit in self._units)
        return {of for rows in every for of in rows.filter(_is(rows, "kept"))["id"].to_pylist()}

    def units(self, selected: Collection[str] | None, besides: Collection[str]) -> Iterator[
        tuple[Rows, NDArray[np.int64]]
    ]:  # fmt: skip
        """By unit its readable rows, and the places of those that are of the pool.

        Those are rows that a quota dropped; and, with the ids that another run ``selected``, kept
        ones that it did not. Rows beside the pool come only where their key or id is ``besides``.
        """
        for unit in self._units:
            ledger = self._ledger(unit)
            by_quota = pc.is_in(ledger["rule"], value_set=pa.array([*self._quotas], pa.string()))
            of_pool = pc.and_(_is(ledger, "dropped"), by_quota)
            if selected is not None:
                chosen = pc.is_in(ledger["id"], value_set=pa.array([*selected], pa.string()))
                kept = pc.or_(_is(ledger, "kept"), of_pool)
                of_pool = pc.and_(kept, pc.invert(chosen))
            names = pa.array([*besides], pa.string())
            named = pc.or_(*(pc.is_in(ledger[of], value_set=names) for of in ("id", "key")))
            wanted = pc.and_(pc.or_(of_pool, named), pc.is_valid(ledger["id"]))
            places = np.flatnonzero(np.asarray(wanted))
            if len(places):
                yield self._rows(unit, ledger, places), np.flatnonzero(np.asarray(of_pool)[places])

    def _rows(self, unit: str, ledger: pa.Table, places: NDArray[np.int64]) -> Rows:
        own = ledger.take(pa.array(places))
        texts = [text or "" for text in self._column(TEXT, unit, places) or [""] * len(places)]
        ids, keys = own["id"].to_pylist(), own["key"].to_pylist()
        given = self._column(self._embedding, unit, places) or []
        size = next((len(vector) for vector in given if vector is not None), 0)
        if not size:
            return Rows(ids, keys, texts, None)
        none = np.zeros(size, np.float32)
        vectors = [none if of is None else np.asarray(of, np.float32) for of in given]
        return Rows(ids, keys, texts, np.stack(vectors))

    def _ledger(self, unit: str) -> pa.Table:
        path = storage.join(self.output, "ledger", f"{unit}.parquet")
        return _read(path, ("key", "id", "verdict", "rule"))

    def _path(self, column: str, unit: str) -> str:
        folders = (of["folder"] for of in self._models.values() if column in of["columns"])
        folder = next(folders, column)
        return storage.join(self.output, "signals", folder, f"{unit}.parquet")

    def _column(self, name: str, unit: str, places: NDArray[np.int64]) -> list[Any] | None:
        """A model's values at these places; None where it looked at no row of the unit."""
        path = self._path(name, unit)
        if not storage.exists(path):
            return None
        table = _read(path, ("row", name))
        where = pc.index_in(pa.array(places, pa.int32()), value_set=table["row"].combine_chunks())
        values: list[Any] = table[name].take(where).to_pylist()
        return values


def _is(ledger: pa.Table, verdict: str) -> Any:
    return pc.equal(ledger["verdict"], verdict)


def _read(path: str, columns: tuple[str, ...]) -> pa.Table:
    try:
        with storage.open_read(path) as stream:
            return pq.read_table(stream, columns=list(columns), use_threads=False)
    except _UNREADABLE as error:
        raise UsageError(f"{path}: {error}; expected a file of a finished run") from None
