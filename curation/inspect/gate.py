"""``beam gate``: an independent check of finished shards, as Great Expectations.

What the pipeline promised is written down as expectations derived from the run's configuration and
checked against the shards themselves, so that a bug in judging or writing cannot vouch for itself.
"""

import os
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curation import shard, storage
from curation.failures.errors import UsageError
from curation.inspect import caption_promises, data_docs, input_promises
from curation.inspect.data_docs import Validated
from curation.inspect.expectation import EXAMPLES, Expectation
from curation.judging.histogram import MOST
from curation.judging.ledger import LedgerError
from curation.output import finished
from curation.output.groups import Groups
from curation.output.layout import Layout
from curation.signals import captions

EXAMPLE_LENGTH = 60


def check(output: str) -> list[Expectation]:
    """Check the shards of a run, one after the other, write what was validated, or raise.

    The page is written of broken promises, too.

    Raises ``OutcomeError`` without a run, ``LedgerError`` if a promise is broken,
    ``ShardError`` for a shard that cannot be trusted, ``UsageError`` without the extra ``gate``,
    ``OSError`` where the page cannot be written.
    """
    layout = Layout(output)
    run = finished.read_run(output)
    configuration = run["configuration"]
    grouped = Groups.of_run(output, run).ruled
    nullable = {*grouped, *run.get("of_pairs", ()), *_exempted(configuration)}
    validate = _validator(configuration, run.get("scaling", ()), nullable)
    promises: dict[str, Expectation] = {}
    lost, rows, kinds = 0, 0, dict[str, Counter[tuple[str, str | None]]]()
    kept = caption_promises.Kept()
    shards: list[Validated] = []
    for name, table in _shards(layout.shards):
        rows += table.num_rows
        _add_kinds(kinds, table, configuration)
        lost += _without_captions(table, configuration)
        kept += caption_promises.kept(table, configuration)
        validated = validate(table)
        for promise, entry in validated.items():
            before = promises.get(promise)
            promises[promise] = before.joined(entry) if before else entry
        broke = tuple(f"{of.column} {of.says}" for of in validated.values() if not of.passed)
        shards.append(Validated(name, table.num_rows, len(validated), broke))
    results = [_count(rows, run["counts"]["kept"]), *promises.values()]
    counts = run["counts"]
    results += _quotas(kinds, configuration, counts.get("quotas", {}), counts["in"])
    says = "at least one left, where there were any"
    results.append(Expectation("a_caption_is_left", "captions", lost == 0, lost, rows, says))
    results += caption_promises.promises(output, run, kept)
    results += input_promises.promises(output, run, _bounds(configuration, run.get("scaling", ())))
    data_docs.write(layout, run, results, shards)
    broken = [entry for entry in results if not entry.passed]
    if broken:
        named = "; ".join(f"{entry.column} {entry.says}: {_of_rows(entry)}" for entry in broken)
        raise LedgerError(
            f"{layout.shards}: {len(broken)} of {len(results)} promises broken: {named}; "
            f"{layout.data_docs} shows all"
        )
    return results


def _of_rows(broken: Expectation) -> str:
    """How many rows or captions break it, and for example by which values."""
    what = "caption" if broken.name in caption_promises.NAMES else "row"
    rows = f"{broken.unexpected:,} {what}{'' if broken.unexpected == 1 else 's'}"
    return rows + (f", as {', '.join(broken.examples)}" if broken.examples else "")


def _without_captions(table: pa.Table, configuration: dict[str, Any]) -> int:
    """How many rows have captions, none of which passed the stage that a row must pass."""
    stages = _stages(configuration)
    if not any(stage.get("captions") for _, stage in stages):
        return 0
    names = [name for name, _ in stages]
    enough = set(names[names.index(configuration["keep"]) :])
    splits = (table.column(f"caption_{split}").to_pylist() for split in captions.SPLITS)
    rows = ([of for split in row for of in split or ()] for row in zip(*splits, strict=True))
    return sum(bool(row) and not enough & {of["stage"] for of in row} for row in rows)


def _add_kinds(
    kinds: dict[str, Counter[tuple[str, str | None]]],
    table: pa.Table,
    configuration: dict[str, Any],
) -> None:
    """Count the rows of a shard by stage and category, for each column that a quota goes by."""
    stages = table.column("stage").to_pylist()
    for by in {quota["by"] for quota in configuration.get("quotas", {}).values()}:
        if by in table.column_names:
            categories = table.column(by).cast(pa.string()).to_pylist()
            kinds.setdefault(by, Counter()).update(zip(stages, categories, strict=True))


def as_text(output: str, results: Sequence[Expectation], details: bool = False) -> str:
    """One sentence of what passed; before it, for ``details``, one line per promise."""
    rows = max((entry.rows for entry in results), default=0)
    listed = [f"ok  {entry.column:<20} {entry.says}" for entry in results if details]
    passed = f"passed: all {len(results)} promises of the configuration hold for the kept rows"
    return "\n".join([*listed, f"{passed}, {rows:,}; {Layout(output).data_docs} lists them"])


def _shards(directory: str) -> Iterator[tuple[str, pa.Table]]:
    """Each shard's name, and its columns but the images' bytes, which are held against ids here."""
    try:
        infos = shard.verify(directory)  # what pages hold is checked below, this is of all the rest
    except shard.ShardError as error:
        raise shard.ShardError(f"{error}; {finished.REMEDY}") from error
    for info in infos:
        tables: list[pa.Table] = []
        for batch in shard.read(storage.join(directory, info.file)):
            table = pa.Table.from_batches([batch.drop_columns(["image", "inputs", "edit_mask"])])
            same = list(map(_is_its_content, batch.select(_OF_ID).to_pylist()))
            tables.append(table.append_column("content_matches", pa.array(same, pa.bool_())))
        if tables:
            yield info.file, pa.concat_tables(tables)


_OF_ID = ("id", "image", "inputs", "caption_instruction")


def _is_its_content(row: dict[str, Any]) -> bool:
    """Whether the id is that of the row's images and instruction."""
    inputs = [image["bytes"] for image in row["inputs"] or ()]
    instruction = shard.of_source(row["caption_instruction"])
    recorded: str = row["id"]
    return shard.content_id(row["image"]["bytes"], inputs, instruction) == recorded


def _bounds(
    configuration: dict[str, Any], scaling: Container[str]
) -> Iterator[tuple[str, dict[str, Any], float]]:
    """Every bound that a kept row must satisfy, and what stored values are multiplied by there."""
    for name, stage in _stages(configuration):
        for column, bound in stage["bounds"].items():
            yield column, bound, float(stage["resolution"]) if column in scaling else 1.0
        if name == configuration["keep"]:
            return


def _exempted(configuration: Mapping[str, Any]) -> dict[str, list[str]]:
    """The columns of results that other bounds hold for, or none, and for which kinds of edits."""
    exempted: dict[str, list[str]] = {}
    for kind, instead in configuration.get("edits", {}).items():
        for column in instead["image"]:
            exempted.setdefault(column, []).append(kind)
    return exempted


def _without_exempt(table: pa.Table, configuration: Mapping[str, Any]) -> pa.Table:
    """The rows with null for what bounds on a column do not hold for."""
    for column, kinds in _exempted(configuration).items():
        if column in table.column_names:
            exempt = pc.is_in(table.column("edit_kind"), pa.array(kinds))
            place = table.schema.get_field_index(column)
            held = pc.if_else(exempt, None, table.column(column))
            table = table.set_column(place, table.schema.field(place), held)
    return table


def _scaled(bound: float | None, scale: float) -> float | None:
    """A bound in the unit that is stored."""
    return None if bound is None else bound / scale


def _stages(configuration: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    stages = configuration["stages"]
    return list(stages.items()) if isinstance(stages, dict) else [(s["name"], s) for s in stages]


def _validator(
    configuration: dict[str, Any], scaling: Container[str], nullable: Container[str]
) -> Callable[[pa.Table], dict[str, Expectation]]:
    """What checks the rows of one shard, by Great Expectations. Raises ``UsageError``."""
    os.environ["GX_ANALYTICS_ENABLED"] = "False"  # nothing is sent anywhere
    try:
        import great_expectations as gx
    except ImportError as error:
        raise UsageError(
            "beam gate needs Great Expectations: pip install 'inkstone[gate]'"
        ) from error
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("shards").add_dataframe_asset("rows")
    definition = source.add_batch_definition_whole_dataframe("all")
    wanted = list(_expectations(configuration, scaling, nullable))
    columns = list(dict.fromkeys(entry.column for entry in wanted))
    suite = gx.ExpectationSuite(name="shards", expectations=wanted)

    def validate(table: pa.Table) -> dict[str, Expectation]:
        there = [name for name in columns if name in table.column_names]
        held = _without_exempt(table, configuration).select(there)
        batch = definition.get_batch({"dataframe": held.to_pandas()})
        results = batch.validate(suite).results
        return {_promise(entry): _result(entry) for entry in results}

    return validate


def _expectations(
    configuration: dict[str, Any], scaling: Container[str], nullable: Container[str]
) -> Iterator[Any]:
    """What the configuration promises of every row."""
    from great_expectations import expectations as expect

    names = [name for name, _ in _stages(configuration)]
    yield expect.ExpectColumnValuesToNotBeNull(column="id")
    yield expect.ExpectColumnValuesToNotBeNull(column="key")
    yield expect.ExpectColumnValuesToBeInSet(column="stage", value_set=names)
    yield expect.ExpectColumnValuesToBeInSet(column="content_matches", value_set=[True])
    for column, bound, scale in _bounds(configuration, scaling):
        if column == "size":
            continue
        if "in" in bound:
            yield expect.ExpectColumnValuesToBeInSet(column=column, value_set=bound["in"])
        else:
            low, high = (_scaled(bound.get(end), scale) for end in ("min", "max"))
            yield expect.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high)
        if column not in nullable:
            yield expect.ExpectColumnValuesToNotBeNull(column=column)


def _count(rows: int, kept: int) -> Expectation:
    """As many rows as the ledger keeps."""
    says = f"as many as the ledger keeps, {kept:,}"
    off = abs(rows - kept)
    return Expectation("expect_table_row_count_to_equal", "rows", not off, off, rows, says)


def _quotas(
    kinds: Mapping[str, Counter[tuple[str, str | None]]],
    configuration: dict[str, Any],
    counts: Mapping[str, Any],
    judged: int,
) -> Iterator[Expectation]:
    """At most so many rows of each category pass the stage of a quota, or one after it.

    A share is one of what was left when its quota was applied: it is checked of the last quota. A
    fraction is one of those that the run counted (``counts``) before the quota was applied, at the
    stage since when it is. So many rows were ``judged``.
    """
    names, quotas = [name for name, _ in _stages(configuration)], configuration.get("quotas", {})
    for name, quota in quotas.items():
        last_share = quota.get("share") if name == [*quotas][-1] else None
        if quota["by"] not in kinds or ("share" in quota and last_share is None):
            continue
        if quota.get("also"):  # by all of its columns rows are limited, and some by none
            continue
        since = names.index(quota["since"])
        for number in range(since, since + 1 if "fraction" in quota else len(names)):
            passing: Counter[str | None] = Counter()
            for (stage, category), rows in kinds[quota["by"]].items():
                passing[category] += rows if stage in names[number:] else 0
            counted = counts.get(name, {}).get(names[number], {})
            most = (
                _shares(passing, last_share, judged)
                if last_share
                else _each(passing, quota, counted)
            )
            beyond = sum(max(0, passing[of] - most[of]) for of in most if of is not None)
            label, rows = f"{name}_from_{names[number]}", passing.total()
            says = f"within the quota {name} from {names[number]} on"
            yield Expectation(label, quota["by"], beyond == 0, beyond, rows, says)


def _each(
    passing: Counter[str | None], quota: Mapping[str, Any], counted: Mapping[str, Any]
) -> dict[str | None, int]:
    """How many rows of each category a count or a fraction lets pass."""
    if quota.get("fraction") is None:
        return dict.fromkeys(passing, quota["count"])
    part, least = Fraction(str(quota["fraction"])), quota.get("least", 0)
    of = {name: counted.get(name or "", {"of": 0})["of"] for name in passing}
    return {name: max(int(total * part), least) for name, total in of.items()}


def _shares(
    passing: Counter[str | None], shares: Mapping[str, float], judged: int
) -> dict[str | None, int]:
    """How many rows of each category may be among those that pass.

    Shares of a whole are rounded, up perhaps; where ranks are counted in bins, rows of some
    category are missing, and the others have more of the rest.
    """
    parts = {name: Fraction(str(part)) for name, part in shares.items()}
    most: dict[str | None, int] = {name: int(passing.total() * of) for name, of in parts.items()}
    if any(passing[name] for name in passing.keys() - parts):
        return most
    if sum(parts.values()) != 1:
        return {}
    slack = 0 if judged <= MOST else 1 + passing.total() // 50
    return {name: ceil(passing.total() * of) + slack for name, of in parts.items()}


def _promise(entry: Any) -> str:
    """What tells one promise from the others: two stages may bound one column."""
    settings = entry.expectation_config
    kwargs = {name: settings.kwargs[name] for name in settings.kwargs if name != "batch_id"}
    return f"{settings.type} {sorted(kwargs.items(), key=repr)}"


def _result(entry: Any) -> Expectation:
    settings = entry.expectation_config
    result = entry.result
    values = result.get("partial_unexpected_list") or ()
    return Expectation(
        settings.type,
        settings.kwargs["column"],
        bool(entry.success),
        int(result.get("unexpected_count", 0) or 0),
        int(result.get("element_count", 0) or 0),
        _says(settings.kwargs),
        tuple(str(value)[:EXAMPLE_LENGTH] for value in values)[:EXAMPLES],
    )


def _says(kwargs: Mapping[str, Any]) -> str:
    """What is expected of a column, in words."""
    if kwargs.get("value_set") is not None:
        return f"one of {', '.join(map(str, kwargs['value_set']))}"
    ends = (("at least", "min_value"), ("at most", "max_value"))
    said = [f"{word} {kwargs[of]:g}" for word, of in ends if kwargs.get(of) is not None]
    return " and ".join(said) or "never null"
