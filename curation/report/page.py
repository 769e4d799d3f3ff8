"""The page: what was collected, put into words and places for the template.

The page loads nothing and has no link outside. It runs one script, which is always the same and
which it does without: the content security policy names it by its hash and forbids any other.
Every string is escaped by jinja2 and cleaned of control characters by ``finalize``.
"""

import base64
import hashlib
from pathlib import Path
from typing import Any

from curation import storage
from curation.output.layout import Layout
from curation.report import boxes, text
from curation.report.collect import Collected, collect
from curation.report.view import context


def write_report(output: str) -> str:
    """Write ``report.html`` of a finished run and return its path; same run, same bytes.

    Raises ``OutcomeError``, ``ColumnFileError``, ``OSError``.
    """
    path = Layout(output).report
    storage.write_bytes(path, render(collect(output)).encode("utf-8", "replace"))
    return path


def render(collected: Collected) -> str:
    """The page as HTML text."""
    from markupsafe import Markup  # only where it is needed

    script = (Path(__file__).parent / "sliders.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rendered: str = (
        environment()
        .get_template("template.html")
        .render(context(collected), script=Markup(script), script_hash=f"sha256-{digest}")
    )
    return rendered


def environment(*folders: Path) -> Any:
    """What pages are made by: a jinja2 ``Environment`` of the templates here and in ``folders``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only where it is needed

    made = Environment(
        loader=FileSystemLoader([Path(__file__).parent, *folders]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "count": text.count,
        "share": text.share,
        "size": text.size,
        "seconds": text.seconds,
        "name": text.name,
        "prose": text.prose,
        "said": boxes.said,
    }
    return made


def _finalize(value: Any) -> Any:
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return text.clean(value)
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
