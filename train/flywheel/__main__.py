"""``python -m train.flywheel``: what a model fails at, attributed and brought back. Thin.

Exit codes: 0 fine, 1 bug, 2 wrong usage, 3 nothing but quarantine or a ledger that does not add up,
4 disk or input/output, 130 interrupted.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from curation.failures import commands
from curation.storage import user_paths

app = commands.application()
EXAMPLE = (
    "Example: python -m train.flywheel round --checkpoint demo/train --shards demo/dataset"
    " --config round.yaml --out demo/round"
)

Shards = Annotated[
    list[str] | None,
    typer.Option(
        help="What the model was trained on, a folder or glob; may be given again.",
        parser=user_paths.place,
    ),
]
Cases = Annotated[
    list[Path] | None,
    typer.Option(
        "--cases",
        help="Bad cases, JSON lines: prompt, and image, expected, read, score, note, rewards.",
        parser=user_paths.path,
    ),
]
Votes = Annotated[
    list[Path] | None,
    typer.Option(
        help="Votes of an arena, picks of beam serve, or rewards of images, JSON lines.",
        parser=user_paths.path,
    ),
]
Duels = Annotated[
    list[Path] | None,
    typer.Option(help="duels.jsonl of an arena that was voted on.", parser=user_paths.path),
]
Rewritten = Annotated[
    list[str] | None,
    typer.Option(
        help="NAME=FOLDER: the evaluation NAME again, with its prompts written anew.",
        parser=user_paths.place,
    ),
]
Pool = Annotated[
    str | None,
    typer.Option(
        help="Output of the beam run to retrieve from, in the commands.", parser=user_paths.place
    ),
]
Config = Annotated[
    Path | None, typer.Option(help="YAML of bounds and of the round.", parser=user_paths.path)
]
Out = Annotated[Path, typer.Option("-o", "--out", help="A folder.", parser=user_paths.path)]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def attribute(
    out: Out,
    evaluations: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=]FOLDER",
            help="Outputs of python -m infer.evaluation.",
            parser=user_paths.place,
        ),
    ] = None,
    shards: Shards = None,
    cases: Cases = None,
    votes: Votes = None,
    duels: Duels = None,
    rewritten: Rewritten = None,
    pool: Pool = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Route failures to data, prompts or reinforcement learning, and plan what follows.

    Example: python -m train.flywheel attribute OUT/evaluation --cases bad.jsonl --shards
    demo/dataset --out attributed

    OUT gets report.html, cases.parquet, ledger.json, plan.json, commands.sh, and files of each
    track in data/, prompt/ and rl/.
    """
    from train.flywheel import attributing, settings

    asked = attributing.Asked(
        tuple(shards or ()),
        tuple(evaluations or ()),
        tuple(cases or ()),
        tuple(votes or ()),
        tuple(duels or ()),
        rewritten=tuple(rewritten or ()),
        pool=pool or "",
    )
    record = attributing.run(asked, settings.resolve(config), out)
    for each in record["quarantined"]:
        typer.echo(f"quarantined: {each['place']}: {each['reason']}", err=True)
    _show(record, [*_of_ledger(record), f"{out / 'report.html'}"], as_json)


@app.command("round", epilog=EXAMPLE)
def round(
    checkpoint: Annotated[
        Path, typer.Option(help="What was trained, and is trained on.", parser=user_paths.path)
    ],
    out: Out,
    shards: Shards = None,
    cases: Cases = None,
    votes: Votes = None,
    duels: Duels = None,
    config: Config = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print the commands, and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Evaluate, attribute, render what is lacking, train on it beside the shards of before,
    evaluate again, and show it on one page.

    Run again after any end, it goes on.
    """
    from curation.failures.errors import UsageError
    from train.flywheel import commands as lines
    from train.flywheel import rounds, settings

    if not shards:
        raise UsageError("expected --shards: what the model was trained on")
    more = [("--cases", cases), ("--votes", votes), ("--duels", duels)]
    given = tuple(part for name, of in more for each in of or () for part in (name, str(each)))
    asked = rounds.Turn(checkpoint, tuple(shards), given, config, out)
    to = settings.resolve(config)
    if plan:
        typer.echo(lines.as_text(command for _, command in rounds.planned(asked, to)), nl=False)
        return
    try:
        result = rounds.run(asked, to, lambda said: typer.echo(said, err=True))
    except rounds.StepError as error:
        typer.echo(f"train.flywheel: {error}", err=True)
        raise typer.Exit(error.code) from None
    _show(result, [*_of_changes(result), result["page"]], as_json)


def _of_ledger(record: dict[str, Any]) -> list[str]:
    own = record["cases"]
    parts = [*own["attributed"].items(), *own["left_out"].items()]
    parts.append(("quarantined", own["quarantined"]))
    listed = [f"  {name}: {of['cases']} images" for name, of in record["causes"].items()]
    return [f"in {own['in']} = " + " + ".join(f"{name} {n}" for name, n in parts), *listed]


def _of_changes(result: dict[str, Any]) -> list[str]:
    return [
        f"{each['name']}: {100 * each['before']['share']:.1f} % of {each['before']['of']} before,"
        f" {100 * each['after']['share']:.1f} % after,"
        f" {100 * each['difference']:+.1f} [{100 * each['low']:+.1f}, {100 * each['high']:+.1f}]"
        for each in result["changes"]
        if each["before"]["of"]
    ] or [_of_nothing(result["lacking"])]


def _of_nothing(lacking: dict[str, int]) -> str:
    if not any(lacking.values()):
        return "nothing is lacking that can be rendered: nothing was trained"
    return (
        f"{lacking['characters']} characters and {lacking['layouts']} layouts are lacking, and"
        " there is nothing to render them by (render.mode, plan.texts): nothing was trained"
    )


def _show(result: dict[str, Any], said: list[str], as_json: bool) -> None:
    typer.echo(json.dumps(result, ensure_ascii=False, indent=1) if as_json else "\n".join(said))


if __name__ == "__main__":
    commands.main("train.flywheel", app)
