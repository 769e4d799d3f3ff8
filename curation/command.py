"""The ``beam`` command: it reads arguments, calls one function, prints."""

import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from curation import importing, options
from curation.failures import commands
from curation.failures.errors import IncompleteError, UsageError

if TYPE_CHECKING:
    from curation.configuration.program import Program
    from curation.request import Request

app = commands.application(
    no_args_is_help=True,
    help="Curate image-text data.\n\nExample: beam run curate --input crawl/ --output curated/",
)
PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=PASS_THROUGH)
def run(
    context: typer.Context,
    output: options.Output,
    inputs: options.Inputs = None,
    pipeline: options.Entry = "curate",
    config: options.Config = None,
    workers: options.Workers = None,
    unit_rows: options.UnitRows = 512,
    verify: options.Verify = False,
    replace: options.Replace = False,
    caption_column: options.CaptionColumn = None,
    key_column: options.KeyColumn = None,
    keep_columns: options.KeepColumns = None,
    allow_outside: options.AllowOutside = False,
    without: options.Without = None,
    exclude: options.Exclude = None,
    reuse: options.Reuse = None,
    shared_filesystem: options.SharedFilesystem = False,
    as_json: options.Json = False,
) -> None:
    """Measure, judge and shard a collection, or run a program; any Beam option may follow.

    Example: beam run curate --input crawl/ --output curated/

    Text images: beam run synthesize --output synthetic/

    On a cluster: beam run curate -i gs://b/crawl -o gs://b/curated --runner=DataflowRunner ...

    Run it again after any interruption or change of the input: finished work is not repeated.
    """
    from curation import carrying_out

    given = list(context.args)
    if pipeline.startswith("-"):  # an option of Beam's stood where the name may be left out
        given, pipeline = [pipeline, *given], "curate"
    asked = carrying_out.Asked(
        inputs=tuple(inputs or ()),
        output=output,
        pipeline=pipeline,
        config=config,
        workers=workers,
        unit_rows=unit_rows,
        verify=verify,
        replace=replace,
        columns=carrying_out.columns(caption_column, key_column, _split(keep_columns)),
        allow_outside=allow_outside,
        without=tuple(without or ()),
        exclude=tuple(exclude or ()),
        reuse=tuple(reuse or ()),
        shared_filesystem=shared_filesystem,
        beam_options=tuple(given),
    )
    ours = [name for parameter in context.command.params for name in parameter.opts]
    with carrying_out.ready(asked, ours) as (entry, arguments):
        if carrying_out.is_of_stages(entry):
            _curate(carrying_out.request(asked, entry, arguments), as_json)
        else:
            _carry_out(entry, output, arguments, as_json)


def _split(names: list[str] | None) -> list[str]:
    """``a,b``: the names in it."""
    return [name.strip() for listed in names or () for name in listed.split(",")]


def _curate(request: "Request", as_json: bool) -> None:
    from curation import carrying_out
    from curation.report.summary import funnel, since_last_run, taken_over

    outcome = carrying_out.watched(request)
    if outcome.repeated:
        typer.echo(f"{request.output}: finished before, nothing to do", err=True)
    typer.echo(
        json.dumps(outcome.counts) if as_json else funnel(outcome.counts, request.pipeline.keep)
    )
    for line in (taken_over(outcome.measured), since_last_run(outcome.changes)):
        if line:
            typer.echo(line, err=True)
    typer.echo(f"report: {request.output}/report.html", err=True)
    carrying_out.refuse_quarantine(request, outcome)


def _carry_out(program: "Program", output: str, arguments: tuple[str, ...], as_json: bool) -> None:
    from curation.graphs import programs
    from curation.progress import watch
    from curation.storage import ownership

    kind = type(program).__module__.partition(".")[0]
    with ownership.held(output, kind):
        parts = program.plan(output)
        with watch(output, "files written", partial(program.progress, output)):
            programs.carry_out(output, program, parts, arguments)
        summary = program.summary(output)
    typer.echo(json.dumps(summary, ensure_ascii=False) if as_json else program.as_text(summary))
    if summary["missing"]:
        raise IncompleteError(f"{summary['missing']} could not be made: see the reasons")


@app.command()
def plan(
    inputs: options.Inputs = None,
    pipeline: options.Entry = "curate",
    output: options.PlanOutput = None,
    sample: options.SampleRows = 2000,
    seed: options.Seed = None,
    config: options.Config = None,
    workers: options.Workers = None,
    caption_column: options.CaptionColumn = None,
    key_column: options.KeyColumn = None,
    allow_outside: options.AllowOutside = False,
    without: options.Without = None,
    price_cpu_hour: options.CpuPrice = None,
    price_gpu_hour: options.GpuPrice = None,
    price_gigabyte_month: options.DiskPrice = None,
    tokens_per_second: options.TokenRate = None,
    as_json: options.Json = False,
) -> None:
    """Look at a random sample: predict what a run would keep, with intervals, and what it costs.

    Example: beam plan curate --input crawl/ --sample 2000 --output sample/
    """
    from curation import carrying_out

    with carrying_out.without_warnings():
        from curation.configuration import loading
        from curation.runners import running
    from curation.inspect import planned_text, planning
    from curation.inspect.expenses import Prices
    from curation.request import Request

    entry, places = loading.load_any(config, pipeline), tuple(inputs or ())
    if not isinstance(entry, loading.Pipeline):
        raise UsageError(f"pipeline {pipeline} is a program; expected one of stages")
    carrying_out.check_inputs(pipeline, False, places, False)
    if seed is not None:
        entry = entry.model_copy(update={"seed": seed})
    columns = carrying_out.columns(caption_column, key_column, ())
    prices = Prices(price_cpu_hour, price_gpu_hour, price_gigabyte_month, tokens_per_second)
    arguments = tuple(running.defaults((), workers))
    with planning.place(output) as folder, running.workers(arguments, carrying_out.IN_WORKERS):
        request = Request(
            entry.name,
            entry,
            places,
            folder,
            arguments,
            columns=columns,
            allow_outside=allow_outside,
            without=tuple(without or ()),
            sample=sample,
        )
        planned = planning.plan(request, prices)
        if output:
            planning.record(output, planned)
    typer.echo(json.dumps(planned.as_json()) if as_json else planned_text.as_text(planned))
    if output:
        typer.echo(f"report: {output}/report.html", err=True)


@app.command()
def judge(
    output: options.Output,
    config: options.Config = None,
    pipeline: options.JudgedBy = None,
    without: options.Without = None,
    as_json: options.Json = False,
) -> None:
    """Apply other bounds to stored signals and show what would change; no image is read.

    Example: beam judge --output curated/ --config stricter.yaml
    """
    from curation.inspect.rejudge import compare

    comparison = compare(output, config, without or (), pipeline)
    typer.echo(json.dumps(comparison.as_json()) if as_json else comparison.as_text())
    typer.echo(f"judged by pipeline {comparison.pipeline} of {comparison.file}", err=True)


@app.command()
def report(output: options.Output) -> None:
    """Write the run's report.html again.

    Example: beam report --output curated/
    """
    from curation.report import write_report

    typer.echo(write_report(output))


@app.command()
def gate(
    output: options.Output, details: options.Details = False, as_json: options.Json = False
) -> None:
    """Check the finished shards against what the configuration promised (Great Expectations).

    Example: beam gate --output curated/

    What was validated is in curated/data_docs.html.
    """
    from curation.inspect.gate import as_text, check

    results = check(output)
    plain = [entry.as_json() for entry in results]
    typer.echo(json.dumps(plain) if as_json else as_text(output, results, details))


@app.command()
def export(
    name: options.Format,
    output: options.Output,
    to: options.To,
    captions: options.CaptionSplit = None,
    strip: options.StripMetadata = False,
    stage: options.FromStage = "",
    where: options.Where = None,
    as_json: options.Json = False,
) -> None:
    """Write the finished shards, or some of their rows, for other tools.

    As WebDataset tars (webdataset) or as a Hugging Face dataset folder (hf).

    Example: beam export webdataset --output curated/ --to tars/

    Interrupted, run it again: files that are there are not written twice.
    """
    from curation.shard import selection
    from curation.writing.export.exporting import export as carry_out

    asked = selection.Asked(stage, selection.bounds(where or ()))
    exported = carry_out(name, output, to, captions or (), strip, asked)
    typer.echo(json.dumps(exported.as_json()) if as_json else exported.as_text())


@app.command()
def explain(
    key: options.Key,
    output: options.Output,
    long: options.Long = False,
    as_json: options.Json = False,
) -> None:
    """Explain a row: where it came from, what became of it, and which rules it fails.

    Example: beam explain photos/cat.jpg --output curated/
    """
    from curation.inspect import explain as explaining

    explanations = explaining.explain(output, key)
    if as_json:
        plain = [explanation.as_json() for explanation in explanations]
        typer.echo(json.dumps(plain, ensure_ascii=False))
    else:
        texts = (explaining.as_text(of, short=not long) for of in explanations)
        typer.echo("\n\n".join(texts))


@app.command()
def serve(
    output: options.Run,
    port: options.Port = 8000,
    host: options.Host = "127.0.0.1",
    allow_host: options.AllowHost = None,
    picks: options.Picks = None,
) -> None:
    """Look at a finished run in a browser: query, bounds that move, picks; the run stays as it is.

    Example: beam serve curated/

    Another --host needs a token in the environment variable INKSTONE_TOKEN.
    """
    from curation.serving.server import serve as carry_out

    carry_out(output, host, port, picks, allow_host or ())


@app.command()
def signals(
    config: options.Config = None,
    cost: options.Cost = True,
    as_json: options.Json = False,
) -> None:
    """List every signal with its columns, units and measured cost.

    Example: beam signals
    """
    from curation.inspect.catalogue import as_text, catalogue

    rows = catalogue(config, cost)
    typer.echo(json.dumps(rows) if as_json else as_text(rows))


@app.command()
def doctor(as_json: options.Json = False) -> None:
    """Say what is installed, which model weights are here, and what is missing.

    Example: beam doctor
    """
    from curation.inspect.doctor import as_text, examine

    findings = examine()
    rows: list[dict[str, Any]] = [finding.as_json() for finding in findings]
    typer.echo(json.dumps(rows) if as_json else as_text(findings))
    if any(finding.required and not finding.present for finding in findings):
        raise typer.Exit(2)


def main() -> NoReturn:
    """``beam`` for who has imported this module already; see ``curation.__main__``."""
    importing.less(sys.argv[1:])
    commands.main("beam", app)


if __name__ == "__main__":
    main()
