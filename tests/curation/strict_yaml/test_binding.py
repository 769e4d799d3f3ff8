"""Models are bound with their lines: every refusal names line, key path and what was expected."""

import pickle
from typing import Annotated, Literal

import pytest
from pydantic import Field, model_validator

from curation.failures.errors import UsageError
from curation.strict_yaml import (
    ConfigurationError,
    Document,
    Frozen,
    Key,
    Located,
    Named,
    bind,
    parse,
    refused,
)


class Part(Frozen):
    name: Key
    values: Annotated[tuple[str, ...] | None, Field(alias="in", min_length=1)] = None
    gap: float | tuple[float, float] = 0.0
    look: Literal["plain", "bold"] = "plain"


class Deep(Frozen):
    place: str = ""


class Whole(Located):
    size: Annotated[int, Field(gt=0)]
    deep: Deep = Deep()
    inner: dict[str, Part] = Field(default_factory=dict)
    parts: Named[Part] = ()

    @model_validator(mode="after")
    def _first_part_is_plain(self) -> "Whole":
        if self.parts and self.parts[0].look == "bold":
            raise refused("expected the first one plain", "parts", self.parts[0].name, "look")
        return self


class Source(Frozen):
    share: float = 1.0


class Phase(Frozen):
    sources: tuple[Source, ...] = ()


GOOD = """\
size: 3
parts:
  one:
    in: [a, b]
    gap: 1e-1
  two: {gap: [1, 2]}
"""


def document(text: str) -> Document:
    return parse(text.encode(), "f.yaml")


def refusal(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        bind(document(text), Whole)
    return str(caught.value)


def test_entries_know_their_keys_and_are_written_as_they_were_read() -> None:
    whole = bind(document(GOOD), Whole)
    assert [(part.name, part.values, part.gap) for part in whole.parts] == [
        ("one", ("a", "b"), 0.1),
        ("two", None, (1.0, 2.0)),
    ]
    shape = whole.model_dump(mode="json", by_alias=True, exclude_none=True)["parts"]
    assert shape["one"] == {"in": ["a", "b"], "gap": 0.1, "look": "plain"}
    assert list(shape) == ["one", "two"]
    assert Part(name="three", values=("a",)).values == ("a",)  # in Python by our own names


def test_errors_are_at_the_line_of_a_key_even_after_pickling() -> None:
    whole: Whole = pickle.loads(pickle.dumps(bind(document(GOOD), Whole)))  # noqa: S301 - as Beam
    assert str(whole.error("no", "parts", "one", "in", 1)) == "f.yaml:4: no"
    assert str(whole.error("no", "parts", "one", "look")) == "f.yaml:3: no"  # the nearest above
    assert str(whole.error("no", "parts", 1, "gap")) == "f.yaml:6: no"  # counted keys
    assert str(Whole(size=1).error("no", "size")) == "configuration: no"
    assert isinstance(whole.error("no"), UsageError)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("size: 3", "size: 0", "f.yaml:1: 'size': expected it to be greater than 0, found 0"),
        ("size: 3\n", "", "f.yaml:1: the file: expected the key 'size', which is missing"),
        ("gap: 1e-1", "gap: no", ":5: 'parts.one.gap': expected a number or a list, found the"),
        ("gap: [1, 2]", "gap: [1]", ":6: 'parts.two.gap': expected a number or a longer list"),
        ("gap: [1, 2]", "gap: [1, x]", "f.yaml:6: 'parts.two.gap': expected a number"),
        ("in: [a, b]", "in: []", "f.yaml:4: 'parts.one.in': expected at least 1 entry"),
        ("in: [a, b]", "values: [a]", "unknown key 'parts.one.values': expected one of gap, in,"),
        ("{gap: [1, 2]}", "3", "f.yaml:6: 'parts.two': expected a mapping, found 3"),
        ("gap: 1e-1", "look: Bold", ":5: 'parts.one.look': expected 'plain' or 'bold', found the"),
        ("gap: 1e-1", "look: Bold", "did you mean 'bold'?"),
        ("gap: 1e-1", "look: bold", "f.yaml:5: 'parts.one.look': expected the first one plain"),
        ("gap: 1e-1", "gap: 1e999", "f.yaml:5: expected a finite number"),
        ("size: 3", "sise: 3\ninner: {a: {gab: 1}}", "unknown key 'sise'"),  # before what lacks
        ("size: 3", "size: x\ninner: {a: {gab: 1}}", "'inner.a.gab': expected one of gap, in, lo"),
        ("size: 3", "size: 3\nplace: here", "'place': expected it in deep: 'deep.place'"),
        (GOOD, "[1]", "f.yaml:1: the file: expected a mapping, found a list"),
    ],
)
def test_what_is_wrong_is_told(old: str, new: str, message: str) -> None:
    assert old in GOOD
    told = refusal(GOOD.replace(old, new, 1))
    assert message in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {}\n- sources:\n  - share: 1\n  - {}\n  - share: no\n", "5: '[1].sources[2].share': "),
        ("- {}\n- sources: [{}, {}, {shade: 1}]\n", "2: unknown key '[1].sources[2].shade': "),
        ("- {}\n- 3\n", "2: '[1]': expected a mapping, found 3"),
    ],
)
def test_entries_of_lists_are_called_by_their_positions(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bind(document(text), tuple[Phase, ...])
    assert str(caught.value).startswith(f"f.yaml:{message}")


def test_a_base_gives_what_the_file_does_not() -> None:
    base = {"size": 9, "inner": {"a": {"": "a", "gap": 4.0, "look": "bold"}}}
    whole = bind(document("inner: {a: {gap: 5}}"), Whole, base)
    assert (whole.size, whole.inner["a"].gap, whole.inner["a"].look) == (9, 5.0, "bold")


def test_a_part_of_a_file_is_bound_by_itself() -> None:
    entries = document("a:\n  b: {size: no}\n").at("a", "b")
    with pytest.raises(ConfigurationError, match=r"^f\.yaml:2: 'size': expected a whole number"):
        bind(entries, Whole)
    with pytest.raises(ConfigurationError, match=r"^f\.yaml:2: 'b': expected the key 'size'"):
        bind(entries.without("size"), Whole)
    with pytest.raises(KeyError):
        entries.at("c")
