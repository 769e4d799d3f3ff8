"""Later stages may only tighten: a row gets there by passing all stages before."""

from collections.abc import Callable, Container, Iterator

from curation.configuration.models import Pipeline, Stage

_SIGNS = {"min": 1, "max": -1}
_OPPOSITE = {"min": "max", "max": "min"}


def check(pipeline: Pipeline, scaling: Callable[[], Container[str]] = tuple) -> None:
    """Refuse a stage that is looser on a column than an earlier one, or contradicts it.

    Bounds of the columns that scale are compared at the same scale; ``scaling`` tells these, and is
    asked only where stages are of several resolutions. Raises ``ConfigurationError`` at the line of
    the bound's end.
    """
    several = len({stage.resolution for stage in pipeline.stages}) > 1
    scaled = scaling() if several else ()
    passed: dict[tuple[str, str], tuple[float, float, str]] = {}  # per side, as written, where
    for stage in pipeline.stages:
        for column, end, value in _ends(stage):
            size = stage.resolution if column in scaled else 1
            _compare(pipeline, stage, (column, end, value), size, passed)
        for column, end, value in _ends(stage):
            size = stage.resolution if column in scaled else 1
            line = pipeline.line("stages", stage.name, "bounds", column, end)
            place = f"stage {stage.name!r}"
            where = place if line is None else f"{place} on line {line}"
            passed[column, end] = (value / size, value, where)
        _check_categories(pipeline, stage)


def _compare(
    pipeline: Pipeline,
    stage: Stage,
    bound: tuple[str, str, float],
    size: int,
    passed: dict[tuple[str, str], tuple[float, float, str]],
) -> None:
    column, end, value = bound
    path = ("stages", stage.name, "bounds", column, end)
    place = f"stage {stage.name!r}: {column}.{end} {value:g}"
    own = value / size
    earlier, _, where = passed.get((column, end), (own, value, ""))
    if _SIGNS[end] * own < _SIGNS[end] * earlier:
        least = f"{earlier * size:g}"
        at = f" at {size} px" if size > 1 else ""
        raise pipeline.error(
            f"{place} is looser than {least}{at} of {where}; expected {least} or tighter: a row "
            "only gets here by passing the earlier stage",
            *path,
        )
    opposite, _, where = passed.get((column, _OPPOSITE[end]), (own, value, ""))
    if _SIGNS[end] * own > _SIGNS[end] * opposite:
        message = f"{place}: none can pass it and {opposite * size:g} of {where}"
        raise pipeline.error(message, *path)


def _check_categories(pipeline: Pipeline, stage: Stage) -> None:
    """Refuse what is not among that which an earlier stage lets pass."""
    for column, bound in stage.bounds.items():
        for before in pipeline.stages[: pipeline.number_of(stage.name)]:
            earlier = before.bounds.get(column)
            if bound.among is None or earlier is None or earlier.among is None:
                continue
            if more := [name for name in bound.among if name not in earlier.among]:
                raise pipeline.error(
                    f"stage {stage.name!r}: {column} in {more[0]!r} is looser than stage "
                    f"{before.name!r}, which lets none of it pass",
                    *("stages", stage.name, "bounds", column, "in"),
                )


def _ends(stage: Stage) -> Iterator[tuple[str, str, float]]:
    for column, bound in stage.bounds.items():
        for end in _SIGNS:
            value = getattr(bound, end)
            if value is not None:
                yield column, end, value
