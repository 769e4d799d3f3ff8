"""What a file names in code: one class of our own packages, or a sentence that says why not."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from curation.strict_yaml import (
    ConfigurationError,
    Frozen,
    bind,
    choice,
    defined,
    is_own,
    parse,
)
from curation.strict_yaml.importing import OWN_PACKAGES, Chosen, files

KIND = "curation.shapes.shape"
FILES = {
    "__init__": "",
    "shape": """
        from abc import abstractmethod
        from curation.strict_yaml.importing import Chosen

        class Shape(Chosen):
            @abstractmethod
            def area(self) -> float: ...
        """,
    "square": """
        from curation.shapes.shape import Shape

        class Square(Shape):
            side: float = 1.0
            def area(self) -> float:
                return self.side**2
        """,
    "pair": """
        from curation.shapes.shape import Shape
        from curation.shapes.square import Square

        class Low(Square):
            pass

        class High(Square):
            pass
        """,
    "unfinished": """
        from curation.shapes.shape import Shape

        class Unfinished(Shape):
            pass
        """,
    "_hidden": "from curation.shapes.square import Square",
    "empty": "AREA = 3",
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The package ``curation.shapes``, made for these tests; the class ``Shape`` of it."""
    import curation

    above = tmp_path_factory.mktemp("above")
    (above / "shapes").mkdir()
    for name, text in FILES.items():
        (above / "shapes" / f"{name}.py").write_text(dedent(text))
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(curation, "__path__", [*curation.__path__, str(above)])
        from importlib import import_module

        yield import_module(KIND).Shape
    for name in [name for name in sys.modules if name.startswith("curation.shapes")]:
        del sys.modules[name]
    vars(curation).pop("shapes", None)


def test_files_are_those_one_may_name(package: Any) -> None:
    assert files("curation.shapes", package) == ["empty", "pair", "square", "unfinished"]


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("square", "Square"),
        ("curation.shapes.square", "Square"),
        ("curation.shapes.square.Square", "Square"),
        ("curation.shapes.pair.High", "High"),
    ],
)
def test_a_class_is_named_by_file_or_path(package: Any, name: str, of: str) -> None:
    assert defined(name, package, "curation.shapes").__name__ == of


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sqare", "there is no 'sqare' in curation.shapes, .*did you mean 'square'"),
        ("", "there is no '' in curation.shapes"),
        ("pair", "expected one class that derives from .*Shape, found Low, High; add its name"),
        ("empty", "expected one class .*, found none$"),
        ("shape", "Shape lacks the method area"),
        ("unfinished", "Unfinished lacks the method area"),
        ("curation.shapes.unfinished.Unfinished", "Unfinished lacks the method area"),
        ("curation.shapes.square.nothing", "there is no 'curation.shapes.square.nothing'"),
        ("curation.shapes.empty.AREA", "there is no 'curation.shapes.empty.AREA'"),
        ("curation.shapes.square.Square.side", "there is no"),
        ("curation.absent.deep.Name", "there is no"),
        ("os.path", "there is no 'os.path'"),
        ("builtins.eval", "the import path of a file inside curation, "),
        ("curation..shapes", "there is no"),
        ("../square", "there is no"),
        ("curation.shapes.squ\u0430re", "there is no"),  # a Cyrillic letter
    ],
)
def test_anything_else_is_refused_by_name(package: Any, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        defined(name, package, "curation.shapes")


@given(st.text(max_size=30) | st.from_regex(r"[a-z_.]{1,30}", fullmatch=True))
def test_only_our_own_is_ever_imported(name: str) -> None:
    before = set(sys.modules)
    if is_own(name):
        assert name.split(".", maxsplit=1)[0] in OWN_PACKAGES and " " not in name
    else:
        with pytest.raises(ValueError, match="there is no"):
            defined("." + name, Chosen, "curation.failures")
        fresh = {module.split(".")[0] for module in set(sys.modules) - before}
        assert fresh <= {*OWN_PACKAGES}


class Plain(Frozen):
    shape: Annotated[Any, choice(f"{KIND}.Shape", usual="square")] = Field(default=None)


def bound(text: str) -> Any:
    return bind(parse(text.encode(), "f.yaml"), Plain).shape


def test_a_choice_is_made_with_its_settings(package: Any) -> None:
    assert bound("shape: square\n").area() == 1
    assert bound("shape: {name: square, side: 3}\n").area() == 9
    assert bound("shape: {side: 2}\n").area() == 4  # the usual one
    made = bound("shape: {name: curation.shapes.pair.Low, side: 2}\n")
    assert (made.name, made.area()) == ("curation.shapes.pair.Low", 4)
    assert Plain(shape=made).shape is made
    assert type(made)().name == "pair"  # that of its file


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("shape: 3\n", 1, "'shape': expected a mapping, found 3"),
        ("shape: []\n", 1, "'shape': expected a mapping, found a list"),
        ("shape: {name: 3}\n", 1, "expected a name, found 3"),
        ("shape:\n  name: cirle\n", 2, "there is no 'cirle'"),
        ("shape:\n  name: square\n  sied: 2\n", 3, "unknown key .*did you mean 'side'"),
        ("shape:\n  side: two\n", 2, "'shape.side': expected a number, found the text 'two'"),
        ("shape:\n  name: unfinished\n", 2, "lacks the method area"),
    ],
)
def test_a_wrong_choice_is_refused_with_its_line(
    package: Any, text: str, line: int, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        bound(text)
    assert (caught.value.file, caught.value.line) == ("f.yaml", line)


def test_no_file_on_the_way_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which a user works has no say in what a name means."""
    (tmp_path / "square.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match="there is no"):
        defined("square", Chosen, "curation.failures")
