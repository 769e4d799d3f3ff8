"""Templates from their files, checked before anything is drawn."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from synthesis.template import checking, resources, yaml_reading
from synthesis.template.models import Loaded, Template

SHIPPED = Path(__file__).parent / "templates"


@cache
def shipped_paths() -> tuple[str, ...]:
    """Our own templates, in the order of their names."""
    return tuple(str(path) for path in sorted(SHIPPED.glob("*.yaml")))


def check(paths: Sequence[str], language: str) -> None:
    """Read the user's templates and check all they need; what ``jobs.prepare`` should call.

    Raises ``UsageError`` naming file, line and key, what was expected, and the nearest valid name.
    """
    for path in paths:
        template(path, language)


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
