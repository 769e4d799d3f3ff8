"""``beam run --exclude``: names that a run leaves out, and every later run into the same output."""

from collections.abc import Sequence

from curation import storage
from curation.configuration.loading import Bound, Pipeline
from curation.failures.errors import UsageError
from curation.groupings.excluded import EXCLUDED, Names, as_id
from curation.output.layout import Layout
from curation.output.measured import Measured

RULE = f"{EXCLUDED.name}.max"
_MODULE = EXCLUDED.__module__
_SHOWN = 5


def read(path: str) -> list[str]:
    """The names in a file, one a line; empty lines count for nothing. Raises ``UsageError``."""
    try:
        text = storage.read_bytes(path).decode()
    except (OSError, UnicodeDecodeError) as error:
        message = "expected a text file with a key, id or SHA-256 on each line"
        raise UsageError(f"--exclude {path}: {error}; {message}") from error
    return [line for line in text.splitlines() if line.strip()]


def known(layout: Layout, more: Sequence[str] = ()) -> tuple[str, ...]:
    """The names that the output leaves out, and ``more``, sorted."""
    stored = read(layout.excluded) if storage.exists(layout.excluded) else []
    return tuple(sorted({*stored, *more}))


def write(layout: Layout, names: Sequence[str]) -> None:
    """Keep the names for later runs. Raises ``OSError``."""
    if names:
        storage.write_bytes(layout.excluded, "".join(f"{name}\n" for name in names).encode())


def applied(pipeline: Pipeline, names: Sequence[str]) -> Pipeline:
    """The pipeline with a rule in its first stage that drops what is named."""
    if not names:
        return pipeline
    first, *others = pipeline.stages
    bounds = {**first.bounds, EXCLUDED.name: Bound(max=0)}
    settings = {**pipeline.settings, EXCLUDED.name: Names(names=tuple(names)).model_dump()}
    return pipeline.model_copy(
        update={
            "stages": (first.model_copy(update={"bounds": bounds}), *others),
            "groupings": tuple(dict.fromkeys((*pipeline.groupings, _MODULE))),
            "settings": settings,
        }
    )


def unmatched(columns: Measured, units: Sequence[str], names: Sequence[str]) -> list[str]:
    """The names that no row bears."""
    grouping, borne = EXCLUDED.with_options(Names(names=tuple(names))), set[str]()
    for unit in units:
        rows = columns.read(unit, grouping.reads)
        for row in rows.filter(grouping.named(rows)).to_pylist():
            borne |= {row["key"], row["id"]}
    return [name for name in names if borne.isdisjoint((name, as_id(name)))]


def notes(names: Sequence[str], rows: int, missed: Sequence[str]) -> list[str]:
    """What a run says of its exclusions."""
    said = [f"excluded: {rows} more dropped, by a list of {len(names)}"]
    if missed:
        first = ", ".join(missed[:_SHOWN]) + (", ..." if len(missed) > _SHOWN else "")
        said.append(f"excluded: no row has this key, id or SHA-256 ({len(missed)}): {first}")
    return said
