"""Later stages may only tighten: a row gets there by passing all stages before."""

from collections.abc import Callable, Container, Iterator
from typing import NamedTuple

from curation.configuration.models import Bound, Pipeline, Stage

_SIGNS = {"min": 1, "max": -1}
_OPPOSITE = {"min": "max", "max": "min"}


class _End(NamedTuple):
    """The ``value`` at one ``end`` of a bound: of the column ``name``, at ``path`` in the file.

    What is compared is the value over ``size``, which is the stage's resolution where it scales.
    """

    name: str
    end: str
    value: float
    path: tuple[str, ...]
    size: int = 1

    @property
    def scaled(self) -> float:
        return self.value / self.size


_Among = tuple[str | int | bool, ...]
_Passed = dict[tuple[str, str], tuple[float, str]]  # by name and end: the value over size, where


def check(pipeline: Pipeline, scaling: Callable[[], Container[str]] = tuple) -> None:
    """Refuse a stage that is looser on a column or caption than an earlier one, or contradicts it.

    Bounds of the columns that scale are compared at the same scale; ``scaling`` tells these, and is
    asked only where stages are of several resolutions. Raises ``ConfigurationError`` at the line of
    the bound's end.
    """
    several = len({stage.resolution for stage in pipeline.stages}) > 1
    scaled = scaling() if several else ()
    passed: _Passed = {}
    for stage in pipeline.stages:
        ends = [*_ends(stage, scaled), *_caption_ends(stage)]
        for end in ends:
            _compare(pipeline, stage, end, passed)
        for end in ends:
            there = pipeline.where(*end.path)
            place = f"stage {stage.name!r}"
            where = place if there is None else f"{place} {there}"
            passed[end.name, end.end] = end.scaled, where
        _check_categories(pipeline, stage)


def _compare(pipeline: Pipeline, stage: Stage, own: _End, passed: _Passed) -> None:
    place = f"stage {stage.name!r}: {own.name}.{own.end} {own.value:g}"
    sign = _SIGNS[own.end]
    earlier, where = passed.get((own.name, own.end), (own.scaled, ""))
    if sign * own.scaled < sign * earlier:
        least = f"{earlier * own.size:g}"
        at = f" at {own.size} px" if own.size > 1 else ""
        what = "caption" if own.path[2] == "captions" else "row"
        raise pipeline.error(
            f"{place} is looser than {least}{at} of {where}; expected {least} or tighter: a {what} "
            "only gets here by passing the earlier stage",
            *own.path,
        )
    opposite, where = passed.get((own.name, _OPPOSITE[own.end]), (own.scaled, ""))
    if sign * own.scaled > sign * opposite:
        message = f"{place}: none can pass it and {opposite * own.size:g} of {where}"
        raise pipeline.error(message, *own.path)


def _check_categories(pipeline: Pipeline, stage: Stage) -> None:
    """Refuse what is not among that which an earlier stage lets pass."""
    for path, among in _categories(stage):
        for before in pipeline.stages[: pipeline.number_of(stage.name)]:
            earlier = dict(_categories(before)).get(path, among)
            if more := [name for name in among if name not in earlier]:
                name = path[-1] if path[0] == "bounds" else ".".join(path)
                raise pipeline.error(
                    f"stage {stage.name!r}: {name} in {more[0]!r} is looser than stage "
                    f"{before.name!r}, which lets none of it pass",
                    *("stages", stage.name, *path, "in"),
                )


def _categories(stage: Stage) -> Iterator[tuple[tuple[str, ...], _Among]]:
    """Where the stage says categories, and which."""
    for column, bound in stage.bounds.items():
        if bound.among is not None:
            yield ("bounds", column), bound.among
    for split, signals in (stage.captions or {}).items():
        for name, bound in signals.items():
            if bound.among is not None:
                yield ("captions", split, name), bound.among


def _ends(stage: Stage, scaled: Container[str]) -> Iterator[_End]:
    for column, bound in stage.bounds.items():
        size = stage.resolution if column in scaled else 1
        path = ("stages", stage.name, "bounds", column)
        for end, value in _values(bound):
            yield _End(column, end, value, (*path, end), size)


def _caption_ends(stage: Stage) -> Iterator[_End]:
    for split, signals in (stage.captions or {}).items():
        for name, bound in signals.items():
            path = ("stages", stage.name, "captions", split, name)
            for end, value in _values(bound):
                yield _End(f"captions.{split}.{name}", end, value, (*path, end))


def _values(bound: Bound) -> Iterator[tuple[str, float]]:
    for end in _SIGNS:
        value = getattr(bound, end)
        if value is not None:
            yield end, value
