"""Bounds that are lists of what a value may be: how links say them, and how many rows have each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc

from curation.failures.errors import UsageError
from curation.report.outcome import Bound
from curation.strict_yaml import expected_one_of

Category = str | int | bool
MOST = 60  # values that are shown, beside those that the bound lets pass
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Option:
    """A value, as links say it and as people read it: how many have it, ``kept`` of these are of
    kept rows, whether it ``passes`` by the bound as it stands and as it is ``configured``.
    """

    value: str
    label: str
    number: int
    kept: int
    passes: bool
    configured: bool


@dataclass(frozen=True)
class Choice:
    """A list that can be changed; ``more`` values are not shown, ``missing`` have none."""

    name: str
    label: str
    options: tuple[Option, ...]
    deeper: bool
    what: str
    more: int
    missing: int


def parsed(
    bound: Bound, text: str, kind: pa.DataType | None, known: Sequence[str] = ()
) -> tuple[Category, ...]:
    """The values that a link lists, of a column of this type and, where they are ``known``, of
    these categories: those of the bound come first, in their order. Raises ``UsageError``.
    """
    given = {_value(bound, unquote(of), kind) for of in text.split("|") if of}
    for value in given if known else ():
        if value not in known:
            never = f"{bound.stage}: {bound.column} is never {_text(value)[:40]!r}"
            raise UsageError(f"{never}: {expected_one_of(_text(value)[:40], known)}")
    if not given:
        raise UsageError(
            f"{bound.stage}: {bound.column} in none: no value can pass; expected one or more, such "
            f"as {said(bound.among[:2])}"
        )
    own = [of for of in bound.among if of in given]
    return *own, *sorted(given - {*own}, key=str)


def _value(bound: Bound, text: str, kind: pa.DataType | None) -> Category:
    kind = kind.value_type if kind is not None and pa.types.is_list(kind) else kind
    if kind is None or pa.types.is_null(kind):
        kind = pa.scalar(bound.among[0]).type
    if pa.types.is_boolean(kind):
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        raise UsageError(
            f"{bound.stage}: {bound.column}: expected true or false, not {text[:40]!r}"
        )
    if not pa.types.is_integer(kind):
        return text
    try:
        return int(pa.scalar(int(text), kind).as_py())
    except (ValueError, OverflowError, pa.ArrowException):
        wrong = f"{bound.stage}: {bound.column}: expected a whole number, not {text[:40]!r}"
        raise UsageError(wrong) from None


def said(values: tuple[Category, ...]) -> str:
    """Values as a link lists them."""
    return "|".join(quote(_text(of), safe="") for of in values)


def _text(value: Category) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def narrowed(
    name: str, own: tuple[Category, ...], earlier: tuple[Category, ...]
) -> tuple[Category, ...]:
    """What of a list an earlier stage lets through. Raises ``UsageError`` where that is nothing."""
    stays = tuple(of for of in own if of in earlier)
    if not stays:
        raise UsageError(f"{name}: nothing of {said(own)} passes the stages before it")
    return stays


def choice(
    name: str,
    bound: Bound,
    now: tuple[Category, ...],
    column: pa.ChunkedArray,
    kept: pa.Array,
    known: Sequence[str] = (),
) -> Choice:
    """The list of a bound as it stands ``now``, with exact numbers: of the rows (N,) with these
    values or, where they are lists, of their captions; ``kept`` (N,) are the rows that are.
    ``known`` are the categories that there may be.
    """
    values, is_kept, what = column, kept, "images"
    if pa.types.is_list(column.type):
        parents = pc.list_parent_indices(column)
        values, is_kept, what = pc.list_flatten(column), kept.take(parents), "captions"
    table = pa.table({"value": values, "kept": pc.cast(is_kept, pa.int64())})
    grouped = table.group_by("value").aggregate([([], "count_all"), ("kept", "sum")])
    every = {of["value"]: (of["count_all"], of["kept_sum"]) for of in grouped.to_pylist()}
    missing = every.pop(None, (0, 0))[0]
    ranked = sorted(every, key=lambda of: (-every[of][0], str(of)))
    shown = [*dict.fromkeys((*[*ranked, *known][:MOST], *bound.among, *now))]
    options = tuple(_options(shown, every, now, bound))
    label = f"{bound.stage}: {bound.column} in"
    more = len({*ranked} - {*shown})
    return Choice(name, label, options, bound.deeper, what, more, missing)


def _options(
    shown: list[Category],
    every: dict[Category, tuple[int, int]],
    now: tuple[Category, ...],
    bound: Bound,
) -> Iterator[Option]:
    for value in shown:
        number, kept = every.get(value, (0, 0))
        text = said((value,))
        yield Option(text, _text(value), number, kept, value in now, value in bound.among)
