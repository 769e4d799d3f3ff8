"""The treemap of categories within domains, laid out for a wide page and for a tall one.

Places are per cent of the domain (of the map, for domains), so that the map stretches with the
page. What is too small to be seen is one cell of each domain, so that areas still add up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from curation.report.nearest import Pick
from curation.report.squarified import Rectangle, squarified

WIDE, TALL = (1180.0, 680.0), (358.0, 820.0)  # pixels, as style.html has them
IMAGES = 60  # in the map
CELLS = 120
LEAST = 0.0015  # of the map: a smaller category is put with the others of its domain
SEEN = 0.004  # of the map: a smaller cell has no image
GRIDS = (12, 9, 8, 6, 4, 3, 2, 1)  # images of a cell that fill a grid in several ways

K = TypeVar("K")


@dataclass(frozen=True)
class Places:
    """Where something lies in per cent, on a wide page and on a tall one."""

    wide: Rectangle
    tall: Rectangle

    @property
    def style(self) -> str:
        """Both as custom properties, of which style.html takes those that fit the page."""
        both = (("w", self.wide), ("t", self.tall))
        return ";".join(
            f"--{of}x:{place.left}%;--{of}y:{place.top}%;--{of}w:{place.width}%;--{of}h:{place.height}%"
            for of, place in both
        )


@dataclass(frozen=True)
class Cell(Generic[K]):
    """A category, or all those of a domain that are too small, and its images in their columns."""

    keys: tuple[K, ...]
    size: int
    places: Places
    picks: tuple[Pick, ...]
    wide_columns: int
    tall_columns: int


@dataclass(frozen=True)
class Domain(Generic[K]):
    """A domain and its cells, the largest first."""

    name: str
    size: int
    places: Places
    cells: tuple[Cell[K], ...]


def lay_out(
    sizes: Mapping[str, Mapping[K, int]], picks: Mapping[K, Sequence[Pick]]
) -> list[Domain[K]]:
    """The domains with their categories' sizes (all above 0), the largest first."""
    sums = {name: sum(of.values()) for name, of in sizes.items()}
    order = sorted(sums, key=lambda name: (-sums[name], name))
    places = _placed([sums[name] for name in order], WIDE, TALL)
    total = sum(sums.values())
    cells = {name: _merged(sizes[name], total) for name in order}
    images = _images([(keys, size) for name in order for keys, size in cells[name]], picks, total)
    return [
        Domain(name, sums[name], place, _cells(cells[name], place, images))
        for name, place in zip(order, places, strict=True)
    ]


def _placed(
    sizes: Sequence[int], wide: tuple[float, float], tall: tuple[float, float]
) -> list[Places]:
    both = ([_percent(of, map_) for of in squarified(sizes, *map_)] for map_ in (wide, tall))
    return [Places(*of) for of in zip(*both, strict=True)]


def _percent(of: Rectangle, within: tuple[float, float]) -> Rectangle:
    width, height = within
    parts = of.left / width, of.top / height, of.width / width, of.height / height
    return Rectangle(*(round(100 * part, 3) for part in parts))


def _merged(sizes: Mapping[K, int], total: int) -> list[tuple[tuple[K, ...], int]]:
    """The categories of a domain, the largest first, and last those that are too small."""
    order = sorted(sizes, key=lambda key: -sizes[key])
    room = max(1, round(CELLS * sum(sizes.values()) / total))
    seen = [key for key in order if sizes[key] >= LEAST * total][:room]
    rest = order[len(seen) :]
    own: list[tuple[tuple[K, ...], int]] = [((key,), sizes[key]) for key in seen]
    return [*own, (tuple(rest), sum(sizes[key] for key in rest))] if rest else own


def _images(
    cells: Sequence[tuple[tuple[K, ...], int]], picks: Mapping[K, Sequence[Pick]], total: int
) -> dict[tuple[K, ...], tuple[Pick, ...]]:
    """Which images each cell shows: the large ones more, all together at most ``IMAGES``."""
    order = sorted(cells, key=lambda of: -of[1])
    seen = [(keys, size) for keys, size in order if size >= SEEN * total][:IMAGES]
    left, shown = IMAGES - len(seen), {}
    for keys, size in seen:
        own = [pick for key in keys for pick in picks.get(key, ())]
        wanted = min(len(own), 1 + left, max(1, round(IMAGES * size / total)))
        count = next((of for of in GRIDS if of <= wanted), 0)
        left -= max(0, count - 1)
        shown[keys] = tuple(own[:count])
    return shown


def _cells(
    cells: Sequence[tuple[tuple[K, ...], int]],
    place: Places,
    images: Mapping[tuple[K, ...], tuple[Pick, ...]],
) -> tuple[Cell[K], ...]:
    wide, tall = (
        (size[0] * of.width / 100, size[1] * of.height / 100)
        for of, size in ((place.wide, WIDE), (place.tall, TALL))
    )
    laid = []
    within = _placed([size for _, size in cells], wide, tall)
    for (keys, size), own in zip(cells, within, strict=True):
        shown = images.get(keys, ())
        columns = _columns(len(shown), own.wide, wide), _columns(len(shown), own.tall, tall)
        laid.append(Cell(keys, size, own, shown, *columns))
    return tuple(laid)


def _columns(count: int, of: Rectangle, within: tuple[float, float]) -> int:
    """Into how many columns a cell's images go, so that each is most square."""
    aspect = (of.width * within[0]) / max(1e-9, of.height * within[1])
    fitting = [number for number in range(1, count + 1) if count % number == 0] or [1]
    return min(fitting, key=lambda number: abs(_log(aspect * count / number**2)))


def _log(ratio: float) -> float:
    return max(ratio, 1 / ratio) if ratio > 0 else float("inf")
