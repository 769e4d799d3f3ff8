"""Templates from their files, checked before anything is rendered."""

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from curation.failures.errors import UsageError
from curation.strict_yaml import bind, read
from synthesis.image_sizes import Size
from synthesis.template import checking, resources
from synthesis.template.models import RATIOS, Loaded, Template

SHIPPED = Path(__file__).parent / "templates"


@cache
def shipped_paths() -> tuple[str, ...]:
    """Our own templates, in the order of their names."""
    return tuple(str(path) for path in sorted(SHIPPED.glob("*.yaml")))


def check(paths: Sequence[str], language: str, sizes: Sequence[Size]) -> None:
    """Read the user's templates (none: ours) and check all they need, before a job starts.

    Raises ``UsageError`` naming file, line and key, what was expected, and the nearest valid name;
    or the ratios there are templates for, where they suit none of the sizes.
    """
    resources.contents(language)
    for path in paths:
        template(path, language)
    if sizes:
        suited(tuple(paths), language, tuple(sizes))


@lru_cache(maxsize=256)
def suited(paths: tuple[str, ...], language: str, sizes: tuple[Size, ...]) -> tuple[Size, ...]:
    """The sizes that some template suits (no paths: of ours). Raises ``UsageError`` if none is."""
    suitable = tuple(size for size in sizes if suiting(paths, language, size))
    if not suitable:
        width, height = sizes[0]
        canvas = f"{width}x{height} (ratio {ratio_of(sizes[0])})"
        known = {
            ratio for loaded in _templates(paths, language) for ratio in loaded.template.ratios
        }
        suits = ", ".join(ratio for ratio in RATIOS if ratio in known)
        raise UsageError(
            f"no template suits a canvas of {canvas}: expected one of the ratios {suits}; "
            "choose such a --size, or add the ratio to `ratios` of a template"
        )
    return suitable


@lru_cache(maxsize=256)
def suiting(paths: tuple[str, ...], language: str, size: Size) -> tuple[Loaded, ...]:
    """The templates (no paths: of ours) that suit a canvas; there may be none."""
    wanted = ratio_of(size)
    return tuple(
        loaded for loaded in _templates(paths, language) if wanted in loaded.template.ratios
    )


def _templates(paths: tuple[str, ...], language: str) -> list[Loaded]:
    return [template(path, language) for path in paths or shipped_paths()]


def ratio_of(size: Size) -> str:
    """The nearest of the nine aspect ratios, by the logarithm of width over height."""

    def distance(ratio: str) -> float:
        across, down = ratio.split(":")
        return abs(math.log(size[0] / size[1] * int(down) / int(across)))

    return min(RATIOS, key=distance)


@cache
def template(path: str, language: str) -> Loaded:
    """The template in a file, checked against the contents of ``language``."""
    document = read(path)
    parsed = bind(document, Template)
    styles = dict(resources.shared_styles())
    for name, style in parsed.styles.items():
        base = styles.get(name, styles["body"])
        given = {key: value for key, value in style.model_dump().items() if value is not None}
        styles[name] = base.model_copy(update=given)
    loaded = Loaded(path, parsed, styles)
    checking.check(document, loaded, resources.contents(language), language)
    return loaded
