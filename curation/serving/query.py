"""Which rows are asked for: conditions and orders in SQL over the run's columns, by DuckDB.

What a stranger's link may ask is a condition, never a statement: the text is parsed by DuckDB's own
parser, and only what reads the one table ``images`` is carried out, in a database that has no
access to files, network, extensions, settings or Python's variables, for so long and in so much
memory as is said here.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from curation.failures.errors import UsageError
from curation.serving.run_rows import NUMBER, Numbers
from curation.strict_yaml import did_you_mean

TABLE = "images"
SECONDS = 10.0
MEMORY = "1GB"
THREADS = 2
LONGEST = 4000  # characters of a condition
MOST_BRACKETS = 64  # opened: the parser takes seconds over hundreds that are never closed
_SETTINGS = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "memory_limit": MEMORY,
    "threads": THREADS,
    "temp_directory": "",
    "lock_configuration": True,
}
# of expressions, as DuckDB names them
CLASSES = frozenset(
    (
        *("BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT"),
        *("FUNCTION", "OPERATOR", "STAR", "SUBQUERY", "TYPE"),
    )
)
TYPES = frozenset(
    (
        *("BIGINT", "BOOLEAN", "DATE", "DOUBLE", "FLOAT", "INTEGER", "SMALLINT", "TIMESTAMP"),
        *("TINYINT", "UBIGINT", "VARCHAR"),
    )
)
# none makes much of little
FUNCTIONS = frozenset(
    (
        *("!~~", "!~~*", "%", "&", "*", "**", "+", "-", "/", "//", "<<", ">>", "^@", "abs"),
        *("array_contains", "array_extract", "array_length", "avg", "bit_count", "ceil"),
        *("ceiling", "coalesce", "contains", "count", "count_star", "ends_with", "exp", "floor"),
        *("greatest", "hamming", "hash", "ilike_escape", "isfinite", "isinf", "isnan"),
        *("jaro_similarity", "least", "left", "len", "length", "levenshtein", "like_escape"),
        *("list_any_value", "list_avg", "list_concat", "list_contains", "list_extract"),
        *("list_has", "list_has_all", "list_has_any", "list_max", "list_min", "list_sum"),
        *("list_value", "ln", "log", "log10", "log2", "lower", "max", "median", "min"),
        *("not_ilike_escape", "not_like_escape", "nullif", "pow", "power", "prefix"),
        *("quantile_cont", "random", "regexp_full_match", "regexp_matches", "right", "round"),
        *("sign", "sqrt", "starts_with", "stddev", "strlen", "struct_extract", "substr"),
        *("substring", "suffix", "sum", "trim", "upper", "xor", "|", "||", "~~", "~~*", "~~~"),
    )
)
_EXPECTED = "expected a condition on columns, such as verdict = 'dropped' and clarity < 0.2"


class QueryError(UsageError):
    """A condition or an order that cannot be carried out; the message says what was expected."""


class Queries:
    """Conditions over a table whose columns are of these ``types``; ``columns`` gives of those
    that are named the values, of as many rows each.
    """

    def __init__(
        self,
        types: Mapping[str, pa.DataType],
        columns: Callable[[list[str]], Mapping[str, pa.ChunkedArray]],
    ) -> None:
        import duckdb

        self._duckdb, self._types, self._columns = duckdb, types, columns
        self._names = {name.casefold(): name for name in types}
        self._database = duckdb.connect(":memory:", config=_SETTINGS)
        self._guard = threading.Lock()

    def numbers(self, where: str = "", order: str = "") -> Numbers:
        """The numbers of the rows that meet the condition, in this order, else by number.

        Raises ``QueryError``, ``ColumnFileError``.
        """
        where, order = where.strip(), order.strip()
        statement = f"SELECT {NUMBER} FROM {TABLE}"
        statement += f" WHERE (\n{where}\n)" if where else ""
        statement += f" ORDER BY {order}\n, {NUMBER}" if order else f" ORDER BY {NUMBER}"
        if max(len(where), len(order)) > LONGEST or statement.count("(") > MOST_BRACKETS:
            most = f"{LONGEST} characters and {MOST_BRACKETS} brackets at most"
            raise QueryError(f"{most}; {_EXPECTED}")
        with self._guard:
            cursor = self._database.cursor()
        try:
            named = self._checked(cursor, statement)
            held = self._columns([*named, *([] if NUMBER in named else [NUMBER])])
            cursor.register(TABLE, pa.table(dict(held)))
            return self._carried_out(cursor, statement)
        except self._duckdb.InterruptException:
            raise QueryError(
                f"stopped after {SECONDS:g} seconds; ask for something cheaper"
            ) from None
        except self._duckdb.OutOfMemoryException:
            raise QueryError(f"needs more than {MEMORY} of memory; ask for less") from None
        except (self._duckdb.Error, UnicodeError, RecursionError) as error:
            raise QueryError(self._sentence(error)) from None
        finally:
            cursor.close()

    def _checked(self, cursor: Any, statement: str) -> list[str]:
        """The columns that a statement names. Raises ``QueryError`` for any that may not be."""
        parsed = cursor.execute("SELECT json_serialize_sql(?)", [statement]).fetchall()
        said = json.loads(parsed[0][0])
        if said["error"]:
            raise QueryError(f"{said['error_message']}; {_EXPECTED}")
        if len(said["statements"]) != 1:
            raise QueryError(f"several statements; {_EXPECTED}")
        named: dict[str, None] = {}
        for node in _nodes(said["statements"][0]["node"]):
            _refuse(node)
            for name in node.get("column_names") or ():
                if known := self._names.get(name.casefold()):
                    named[known] = None
        return [*named]

    def _carried_out(self, cursor: Any, statement: str) -> Numbers:
        late = threading.Timer(SECONDS, cursor.interrupt)
        late.daemon = True
        late.start()
        try:
            values = cursor.execute(statement).fetchnumpy()[NUMBER]
        finally:
            late.cancel()
        return np.asarray(values, np.int64)

    def _sentence(self, error: Exception) -> str:
        """The first line of a message, and of an unknown column the nearest."""
        line = str(error).split("\n")[0].strip()
        quoted = line.split('"')
        if "Referenced column" in line and len(quoted) > 2:
            name = quoted[1]
            return f"no column {name!r}{did_you_mean(name, self._types)}; /columns lists them"
        return f"{line[:300]}; {_EXPECTED}"


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """All objects of a parsed statement."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _refuse(node: Mapping[str, Any]) -> None:
    """Refuse what reads anything but the one table, or may take any amount of memory, which
    DuckDB's own limit does not see of lists and texts. Raises ``QueryError``.
    """
    if (node.get("cte_map") or {}).get("map"):
        raise QueryError(f"WITH is not carried out here; {_EXPECTED}")
    kind = node.get("class")
    if kind is not None and kind not in CLASSES:
        raise QueryError(f"{str(kind).lower()} is not carried out here; {_EXPECTED}")
    if kind == "STAR" and node.get("columns"):
        raise QueryError(f"COLUMNS(...) names no column; {_EXPECTED}")
    if kind == "FUNCTION" and (name := str(node.get("function_name")).lower()) not in FUNCTIONS:
        hint = did_you_mean(name, FUNCTIONS)
        raise QueryError(f"the function {name} is not carried out here{hint}; {_EXPECTED}")
    if kind == "CAST" and _type_of(node) not in TYPES:
        raise QueryError(f"expected a cast to one of {', '.join(sorted(TYPES))}")
    is_selection = "select_list" in node or "from_table" in node
    if not is_selection and str(node.get("type")).endswith("_NODE"):
        raise QueryError(f"UNION and the like are not carried out here; {_EXPECTED}")
    if is_selection and not _is_ours(node.get("from_table") or {}):
        raise QueryError(f"only the table {TABLE} is read here; {_EXPECTED}")


def _type_of(cast: Mapping[str, Any]) -> str:
    """The plain type that is cast to, blank for one of several parts."""
    kind = cast.get("type_expr") or {"type_name": (cast.get("cast_type") or {}).get("id")}
    return "" if kind.get("children") else str(kind["type_name"]).upper()


def _is_ours(table: Mapping[str, Any]) -> bool:
    is_named = table.get("type") == "BASE_TABLE" and table.get("table_name") == TABLE
    return is_named and not (table.get("schema_name") or table.get("catalog_name"))
