"""``python -m taxonomy.retrieve``: rows of a run that were not selected, for what is lacking."""

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from curation.failures import commands
from curation.failures.errors import UsageError
from curation.storage import user_paths
from taxonomy import benchmarks
from taxonomy.pool import Run
from taxonomy.search import Pool, Query, queries

DEEPER = 5  # times as many rows are looked at in each list as are taken
EXAMPLE = "Example: python -m taxonomy.retrieve OUT --queries lacking.txt > retrieved.jsonl"
app = commands.application()


def chosen(
    every: Sequence[Query],
    hits: Iterable[Sequence[tuple[int, float]]],
    pool: Pool,
    rows: int,
    per_source: int | None,
) -> Iterator[Mapping[str, object]]:
    """The rows to add: of each query up to so many, of each source up to ``per_source`` in all.

    A row is retrieved for the first query that takes it, and not where a copy of it was; a source
    is the folder of the key.
    """
    taken: dict[str, int] = {}
    of_source: Counter[str] = Counter()
    for query, own in zip(every, hits, strict=True):
        names, count = pool.index.names(row for row, _ in own), 0
        for row, score in own:
            identity, key = names[row]
            source = key.rpartition("/")[0]
            is_full = per_source is not None and of_source[source] >= per_source
            if count == rows or identity in taken or is_full:
                continue
            if pool.are_copies(row, [*taken.values()]):
                continue
            taken[identity] = row
            of_source[source] += 1
            count += 1
            yield {"id": identity, "key": key, "retrieved_by": query.name, "score": round(score, 6)}


@app.command(epilog=EXAMPLE)
def main(
    out: Annotated[
        str, typer.Argument(help="Output of the run of the pool.", parser=user_paths.place)
    ],
    queries_file: Annotated[
        str | None,
        typer.Option(
            "--queries",
            help="A query a line; `like: KEY` takes images like that row's.",
            parser=user_paths.place,
        ),
    ] = None,
    node: Annotated[
        list[str] | None, typer.Option(help="A node of the taxonomy, with all below it.")
    ] = None,
    failed: Annotated[
        str | None,
        typer.Option(help="Prompts that a model failed at.", parser=user_paths.place),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(help="A file of an image to look for such by.", parser=user_paths.place),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows for each query, at most.")] = 100,
    per_source: Annotated[
        int | None, typer.Option(min=1, help="Rows of each folder of keys, at most.")
    ] = None,
    beside: Annotated[
        str | None,
        typer.Option(
            help="A run that selected from this one: what that kept is no longer of the pool.",
            parser=user_paths.place,
        ),
    ] = None,
    embedding: Annotated[str, typer.Option(help="The column of images' vectors.")] = "embedding",
) -> None:
    """Print the rows to add, a line of JSON for each: id, key, retrieved_by, score.

    The pool are rows that only a quota stopped. What is printed goes into a file, which `settings:
    {retrieved: {rows: FILE}}` names.
    """  # fmt: skip
    try:
        lines = [of.text for of in benchmarks.prompts([queries_file])] if queries_file else []
        prompts = [of.text for of in benchmarks.prompts([failed])] if failed else []
    except ValueError as error:
        raise UsageError(str(error)) from None
    every = queries(lines, node or (), prompts, image or ())
    run = Run(out, embedding)
    run.check()
    selected = None if beside is None else Run(beside, embedding).kept()
    with tempfile.TemporaryDirectory() as folder:
        pool = Pool(Path(folder))
        pool.fill(run, selected, [query.like for query in every if query.like])
        hits = pool.hits(every, rows * DEEPER)
        counts: Counter[object] = Counter()
        for entry in chosen(every, hits, pool, rows, per_source):
            counts[entry["retrieved_by"]] += 1
            sys.stdout.write(json.dumps(entry, ensure_ascii=False) + "\n")
    for query in every:
        print(f"{counts[query.name]:6} of {pool.rows}: {query.name}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    commands.main("taxonomy.retrieve", app)
