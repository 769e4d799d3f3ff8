"""A uniform random sample of a collection's rows, and how it was drawn.

Files are drawn row by row. Of tars and tables, which are read as a whole, containers are drawn
first (a tar, or a range of a table's row groups), then rows of those: rows of one container are
more alike than others, which ``Stratum`` says enough of to take into account. The same seed gives
the same sample. It follows Cochran, Sampling Techniques (3rd edition 1977), chapters 5, 6 and 11.
"""

import hashlib
import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from curation.sources.plan import identified
from curation.sources.sample import Layout, Part, Unit

CONTAINERS = 64  # at least so many, if there are: their differences are then known to 1 part in 11
POOL = 2  # rows in the containers drawn, by rows wanted of them: some containers hold few


@dataclass(frozen=True)
class Stratum:
    """The rows of one layout: ``rows`` in the input, ``exact`` or estimated from what was drawn.

    ``chosen`` of ``containers`` were drawn (both 0 where rows were drawn directly), ``sampled`` of
    the ``pool`` rows that those hold.
    """

    layout: Layout
    rows: float
    exact: bool
    containers: int
    chosen: int
    pool: int
    sampled: int


@dataclass(frozen=True)
class Drawn:
    """The ``units`` of a sample, and what they were drawn from."""

    units: list[Unit]
    strata: tuple[Stratum, ...]

    @property
    def rows(self) -> float:
        """How many rows the input holds."""
        return sum(stratum.rows for stratum in self.strata)

    @property
    def sampled(self) -> int:
        """How many rows were drawn."""
        return sum(stratum.sampled for stratum in self.strata)


@dataclass(frozen=True)
class _Listed:
    """A stratum before rows are drawn: its containers' rows by location, or its files."""

    stratum: Stratum
    units: Sequence[Unit]
    locations: Sequence[Sequence[str]] = ()


def draw(units: Sequence[Unit], count: int, seed: int, unit_rows: int) -> Drawn:
    """Draw ``count`` rows of a plan, or all if there are no more.

    Files are cut into units of ``unit_rows`` anew. Raises ``OSError`` for a container on a remote
    filesystem that is out.
    """
    listed: list[_Listed] = []
    for layout in ("files", "webdataset", "parquet"):
        own = [unit for unit in units if unit.layout == layout]
        if own:
            listed.append(_files(own) if layout == "files" else _containers(own, count, seed))
    shares = allocated([of.stratum for of in listed], count)
    drawn = [_drawn(of, share, seed, unit_rows) for of, share in zip(listed, shares, strict=True)]
    return Drawn([unit for of in drawn for unit in of.units], tuple(of.strata[0] for of in drawn))


def smallest(names: Iterable[str], count: int, seed: int) -> list[str]:
    """The ``count`` names of the smallest sampling keys: a simple random sample."""
    return heapq.nsmallest(count, names, key=lambda name: _key(seed, name))


def _key(seed: int, name: str) -> bytes:
    text = f"sample/{seed}/{name}".encode(errors="surrogatepass")
    return hashlib.blake2b(text, digest_size=8).digest()


def wanted_containers(count: int, containers: int, rows_of_each: float) -> int:
    """How many containers to draw for a sample of ``count`` rows."""
    enough = math.ceil(POOL * count / max(1.0, rows_of_each))
    return min(containers, max(CONTAINERS, enough))


def allocated(strata: Sequence[Stratum], count: int) -> list[int]:
    """How many rows to draw of each stratum: in proportion, and no more than its pool."""
    total = sum(stratum.rows for stratum in strata)
    if count >= total:
        return [stratum.pool for stratum in strata]
    exact = [count * stratum.rows / total for stratum in strata]
    shares = [math.floor(part) for part in exact]
    largest = sorted(range(len(exact)), key=lambda place: shares[place] - exact[place])
    for place in largest[: count - sum(shares)]:
        shares[place] += 1
    return [min(share, stratum.pool) for share, stratum in zip(shares, strata, strict=True)]


def _files(units: Sequence[Unit]) -> _Listed:
    rows = sum(len(unit.parts) for unit in units)
    return _Listed(Stratum("files", rows, True, 0, 0, rows, 0), units)


def _containers(units: Sequence[Unit], count: int, seed: int) -> _Listed:
    """Draw containers, and list what they hold."""
    known = {unit.id: unit for unit in units}
    ordered = smallest(known, len(known), seed)
    chosen, locations = min(len(units), CONTAINERS), list[list[str]]()
    while len(locations) < chosen:
        more = islice(ordered, len(locations), chosen)
        locations += [_locations(known[name]) for name in more]
        mean = sum(map(len, locations)) / len(locations)
        chosen = wanted_containers(count, len(units), mean)
    drawn = [known[name] for name in ordered[: len(locations)]]
    pool = sum(map(len, locations))
    rows, exact = _population(units, drawn, pool)
    layout = units[0].layout
    stratum = Stratum(layout, rows, exact, len(units), len(drawn), pool, 0)
    return _Listed(stratum, drawn, locations)


def _population(units: Sequence[Unit], drawn: Sequence[Unit], pool: int) -> tuple[float, bool]:
    """The rows of all containers, and whether they were counted.

    Tables say how many they hold. Tars do not: as many rows a byte as in those that were drawn.
    """
    if len(drawn) == len(units):
        return pool, True
    if units[0].layout == "parquet":
        from curation.sources import parquet

        return parquet.count([part for unit in units for part in unit.parts]), True
    size = _bytes(drawn)
    return (pool * _bytes(units) / size if size else pool * len(units) / len(drawn)), False


def _bytes(units: Sequence[Unit]) -> int:
    return sum(max(0, part.size) for unit in units for part in unit.parts)


def _locations(unit: Unit) -> list[str]:
    if unit.layout == "parquet":
        from curation.sources import parquet

        return [uri for part in unit.parts for uri in parquet.locations(part)]
    from curation.sources import webdataset

    return [uri for part in unit.parts for uri in webdataset.locations(part, unit.columns)]


def _drawn(listed: _Listed, count: int, seed: int, unit_rows: int) -> Drawn:
    stratum = replace(listed.stratum, sampled=count)
    if stratum.layout == "files":
        return Drawn(_drawn_files(listed.units, count, seed, unit_rows), (stratum,))
    every = (uri for uris in listed.locations for uri in uris)
    chosen = set(smallest(every, count, seed))
    units = [
        replace(unit, only=own)
        for unit, uris in zip(listed.units, listed.locations, strict=True)
        if (own := tuple(sorted(chosen.intersection(uris))))
    ]
    return Drawn(units, (stratum,))


def _drawn_files(units: Sequence[Unit], count: int, seed: int, unit_rows: int) -> list[Unit]:
    parts = {_name(part): part for unit in units for part in unit.parts}

    def rank(name: str) -> tuple[bytes, str]:
        """By its name within the input, so that a sample does not depend on where that lies."""
        part = parts[name]
        return _key(seed, "\0".join((part.key, part.variant or ""))), name

    chosen = sorted(heapq.nsmallest(count, parts, key=rank))
    cut = [chosen[start : start + unit_rows] for start in range(0, count, unit_rows)]
    groups = ((units[0].layout, tuple(parts[name] for name in names)) for names in cut)
    return list(identified(groups, units[0].columns))


def _name(part: Part) -> str:
    return "\0".join((part.path, part.variant or ""))
