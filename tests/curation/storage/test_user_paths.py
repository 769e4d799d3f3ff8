"""An unset shell variable (``-o "$OUT"``) is a mistake in every command, never the current folder.

An option that takes text is either a place, which may not be empty, or one of ``WORDS``.
"""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
import typer
from making.commands import invoke
from making.places import ROOT
from pydantic import ValidationError
from typer.models import ArgumentInfo

from curation.storage import user_paths
from synthesis.pipeline import Synthesize

MODULES = ("curation.command", "synthesis.render", "synthesis.proofreading", "train.__main__")
MODULES += ("infer.__main__", "synthesis.characters.__main__", "synthesis.fonts.__main__")
MODULES += ("synthesis.template.__main__", "examples.gather", "examples.demo")
MODULES += ("infer.server.__main__", "infer.provenance.__main__", "train.flywheel.__main__")
MODULES += ("train.enhancer.__main__",)
WORDS = {"pipeline", "key", "lang", "size", "licence", "preset", "plan_on"}
WORDS |= {"negative", "device", "texts", "caption_column", "key_column", "keep_columns", "without"}
WORDS |= {"allow_host", "devices", "host", "precision"}
WORDS |= {"enhance_model"}
WORDS |= {"kinds"}  # operations of edits: synthesis.render
WORDS |= {"name", "captions", "stage", "where"}  # of a format, splits, a stage, bounds: beam export


def application(module: str) -> typer.Typer:
    loaded = importlib.import_module(module)
    app = getattr(loaded, "app", None)
    if app is None:
        app = typer.Typer()
        app.command()(loaded.main)
    return app


def parameters() -> Iterator[tuple[str, str, str, Any]]:
    """Module, command, parameter and its option or argument: all that take text."""
    for module in MODULES:
        registered = application(module).registered_commands
        for command in registered:
            name = command.callback.__name__ if len(registered) > 1 else ""
            for parameter, hint in get_type_hints(command.callback, include_extras=True).items():
                base, *more = get_args(hint) if get_origin(hint) is Annotated else (hint,)
                kinds = set(get_args(base)) or {base}
                if kinds & {str, Path, list[str], list[Path]}:
                    yield module, name, parameter, more[0]


def spelling(parameter: str, told: Any) -> list[str]:
    if isinstance(told, ArgumentInfo):
        return []
    names = [told.default, *(told.param_decls or ())]  # typer takes the first name so
    options = [name for name in names if isinstance(name, str) and name.startswith("-")]
    return (options or ["--" + parameter.replace("_", "-")])[:1]


PLACES = [entry for entry in parameters() if entry[2] not in WORDS]


def test_places_are_found_in_every_command() -> None:
    assert {module for module, _, _, _ in PLACES} == set(MODULES)
    assert len(PLACES) > 30
    assert user_paths.place("a*.parquet") == "a*.parquet"
    assert user_paths.path(Path("a")) == Path("a")


@pytest.mark.parametrize(
    ("module", "name", "given"),
    [(module, name, spelling(parameter, told)) for module, name, parameter, told in PLACES],
    ids=[f"{module}-{name}-{parameter}" for module, name, parameter, _ in PLACES],
)
@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_path_is_refused(
    module: str,
    name: str,
    given: list[str],
    empty: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "manifest.json"
    mine.write_text("mine")
    words = [name] if name else []
    done = invoke(application(module), [*words, *given, empty])
    assert done.exit_code == 2
    assert "empty path" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
    assert mine.read_text() == "mine"


def test_beam_answers_in_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "curation.command", "run", "-i", str(ROOT), "-o", ""]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'--output'" in done.stderr and "unset" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("setting", ["corpus", "fonts", "backgrounds", "templates"])
def test_an_empty_path_in_a_configuration_is_refused(setting: str) -> None:
    given: dict[str, Any] = {"seed": 1, "languages": ("en",), "mode": "pure", "n": 1}
    with pytest.raises(ValidationError, match="empty path"):
        Synthesize(**given, **{setting: ""})
