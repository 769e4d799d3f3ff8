"""Templates from their files, checked before anything is drawn."""

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from synthesis.canvas import Size
from synthesis.problems import UsageError
from synthesis.template import checking, resources, yaml_reading
from synthesis.template.models import RATIOS, Loaded, Template

SHIPPED = Path(__file__).parent / "templates"


@cache
def shipped_paths() -> tuple[str, ...]:
    """Our own templates, in the order of their names."""
    return tuple(str(path) for path in sorted(SHIPPED.glob("*.yaml")))


def check(paths: Sequence[str], language: str, sizes: Sequence[Size]) -> None:
    """Read the user's templates (none: ours) and check all they need, before a job starts.

    Raises ``UsageError`` naming file, line and key, what was expected, and the nearest valid name;
    or the size that no template suits.
    """
    resources.contents(language)
    for path in paths:
        template(path, language)
    for size in sizes:
        suiting(tuple(paths) or shipped_paths(), language, size)


@lru_cache(maxsize=256)
def suiting(paths: tuple[str, ...], language: str, size: Size) -> tuple[Loaded, ...]:
    """The templates that suit a canvas. Raises ``UsageError`` if there is none."""
    wanted = ratio_of(size)
    found = [template(path, language) for path in paths]
    fitting = tuple(one for one in found if wanted in one.template.ratios)
    if not fitting:
        raise UsageError(
            f"no template suits a canvas of {size[0]}x{size[1]} (ratio {wanted}): "
            "add the ratio to `ratios` of one, or choose another --size"
        )
    return fitting


def ratio_of(size: Size) -> str:
    """The nearest of the nine aspect ratios, by the logarithm of width over height."""

    def distance(ratio: str) -> float:
        across, down = ratio.split(":")
        return abs(math.log(size[0] / size[1] * int(down) / int(across)))

    return min(RATIOS, key=distance)


@cache
def template(path: str, language: str) -> Loaded:
    """The template in a file, checked against the contents of ``language``."""
    document = yaml_reading.read(Path(path))
    found = resources.as_model(Template, document, document.value, ())
    styles = dict(resources.shared_styles())
    for name, style in found.styles.items():
        base = styles.get(name, styles["body"])
        given = {key: value for key, value in style.model_dump().items() if value is not None}
        styles[name] = base.model_copy(update=given)
    loaded = Loaded(path, found, styles)
    checking.check(document, loaded, resources.contents(language), language)
    return loaded
