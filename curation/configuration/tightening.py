"""Later stages may only tighten: a row gets there by passing all stages before."""

from collections.abc import Iterator

from curation.configuration.models import Pipeline, Stage

_SIGNS = {"min": 1, "max": -1}
_OPPOSITE = {"min": "max", "max": "min"}


def check(pipeline: Pipeline) -> None:
    """Refuse a stage that is looser on a column than an earlier one, or contradicts it.

    Raises ``ConfigurationError`` at the line of the bound's end.
    """
    passed: dict[tuple[str, str], tuple[float, str]] = {}  # the value, and where it stands
    for stage in pipeline.stages:
        for column, end, value in _ends(stage):
            path = ("stages", stage.name, "bounds", column, end)
            place = f"stage {stage.name!r}: {column}.{end} {value:g}"
            earlier, where = passed.get((column, end), (value, ""))
            if _SIGNS[end] * value < _SIGNS[end] * earlier:
                message = (
                    f"{place} is looser than {earlier:g} of {where}; expected {earlier:g} or "
                    "tighter: a row only gets here by passing the earlier stage"
                )
                raise pipeline.error(message, *path)
            opposite, where = passed.get((column, _OPPOSITE[end]), (value, ""))
            if _SIGNS[end] * value > _SIGNS[end] * opposite:
                raise pipeline.error(
                    f"{place}: none can pass it and {opposite:g} of {where}", *path
                )
        for column, end, value in _ends(stage):
            line = pipeline.line("stages", stage.name, "bounds", column, end)
            place = f"stage {stage.name!r}"
            passed[column, end] = (value, place if line is None else f"{place} on line {line}")


def _ends(stage: Stage) -> Iterator[tuple[str, str, float]]:
    for column, bound in stage.bounds.items():
        for end in _SIGNS:
            value = getattr(bound, end)
            if value is not None:
                yield column, end, value
