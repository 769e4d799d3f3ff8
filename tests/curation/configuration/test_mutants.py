"""What is shipped, each value replaced by what nobody should write: read, or refused by line."""

import copy
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from making.pipelines import pipeline_text

from curation.configuration import loading
from curation.judging import rules
from curation.measuring import choosing
from curation.networks.weights import MissingModelError
from curation.strict_yaml import ConfigurationError
from train import configuration_file

ODD = ["null", "true", "-1", "0", "1e308", "-0.5", ".inf", ".nan", "1" + "0" * 400, "''", "'a: b'"]
ODD += ["[]", "{}", "[1]", "[a, a]", "{a: 1}", "{min: 1}", "{min: 2, max: 1}", "{in: []}", "[[]]"]
ODD += ["{in: [1, a]}", "{in: [true, 1]}", "{in: [300]}", "9999999999", "2020-01-01", "[null]"]
ODD += ["'{x}'", "'..'", '"a\\tb"', "curation.run", "os.path", "[curation.run]", "{name: '.'}"]
PRESET = "demo"
_MARK = re.compile(r"'@@(.*?)@@'")


def paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """To all values inside, those of mappings and lists themselves too."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in inner:
        yield (*above, key)
        if isinstance(below, dict | list):
            yield from paths(below, (*above, key))


def text_with(root: Any, path: tuple[Any, ...], odd: str) -> str:
    """The file with ``odd``, as it is written, in place of a value."""
    root = copy.deepcopy(root)
    at = root
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = "@@{}@@"
    return _MARK.sub(lambda _: odd, yaml.safe_dump(root, sort_keys=False, width=10**6))


@cache
def shipped() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(loading.shipped_path().read_text())
    bounds = content["pipelines"]["curate"]["stages"]["s1"]["bounds"]
    bounds |= {"frames": {"in": [1, 2]}, "format": {"in": ["JPEG"]}}
    return content


@cache
def preset() -> dict[str, Any]:
    content: dict[str, Any] = configuration_file.shipped(PRESET).model_dump(mode="json")
    del content["preset"]
    return content


def check(path: str, name: str) -> None:
    """All that a run looks at before any work."""
    entry = loading.load_any(path, name)
    if not isinstance(entry, loading.Pipeline):
        return
    signals = choosing.chosen(entry)
    known = {**loading.COMMON_COLUMNS, **choosing.known_columns(signals)}
    loading.check_columns(entry, known)
    with suppress(MissingModelError):  # of weights that nobody ships
        signals.check()
    for column, bound in ((*of,) for stage in entry.stages for of in stage.bounds.items()):
        if bound.among is not None:
            seen = rules.Check(0, column, "in", 0.0, among=bound.among)
            rules.categories(seen, pa.chunked_array([pa.array([None], known[column])]))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutants") / "file.yaml"


def answers_by_line(scratch: Path, text: str, read: Any) -> None:
    scratch.write_text(text)
    try:
        read()
    except ConfigurationError as error:
        assert str(error).startswith(f"{scratch}:")
        assert 1 <= (error.line or 0) <= len(text.splitlines())
        assert "\n" not in str(error) and "pydantic" not in str(error)


@given(st.data())
def test_pipelines_are_read_or_refused_by_line(scratch: Path, data: st.DataObject) -> None:
    root = shipped()
    path = data.draw(st.sampled_from(list(paths(root))[1:]))
    name = path[1]
    text = text_with(root, path, data.draw(st.sampled_from(ODD)))
    answers_by_line(scratch, text, lambda: check(str(scratch), name))


@given(st.data())
def test_training_is_read_or_refused_by_line(scratch: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(paths(preset()))))
    text = text_with(preset(), path, data.draw(st.sampled_from(ODD)))
    answers_by_line(scratch, text, lambda: configuration_file.resolve(PRESET, scratch))


@pytest.mark.parametrize(
    ("column", "listed", "wrong"),
    [
        ("frames", "[1, a]", "int32, which is never 'a'"),
        ("frames", "[true]", "int32, which is never 'True'"),
        ("frames", f"[{2**40}]", f"int32, which is never '{2**40}'"),
        ("phash", "[-1]", "uint64, which is never '-1'"),
        ("phash", "[1, true]", "uint64, which is never 'True'"),
    ],
)
def test_a_category_that_no_column_can_hold_is_refused_before_any_work(
    tmp_path: Path, column: str, listed: str, wrong: str
) -> None:
    text = pipeline_text({"s1": {"size": {"min": 1}, column: {"in": ["@@"]}}})
    path = tmp_path / "pipelines.yaml"
    path.write_text(text.replace("[@@]", listed))
    line = text.splitlines().index(f"          {column}: {{in: [@@]}}") + 1
    with pytest.raises(ConfigurationError) as caught:
        check(str(path), "curate")
    assert caught.value.line == line
    assert f"'stages.s1.bounds.{column}.in'" in str(caught.value) and wrong in str(caught.value)
