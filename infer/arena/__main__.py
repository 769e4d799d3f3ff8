"""``python -m infer.arena``: which of several models makes better images. Thin.

Exit codes: 0 fine, 1 bug, 2 wrong usage, 3 answers are missing, 4 disk or input/output, 130
interrupted.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from curation.failures import commands
from curation.storage import user_paths
from infer import options
from infer.harness import options as harness_options

app = commands.application()
KIND = "arena"

Models = Annotated[
    list[str], typer.Argument(metavar="NAME=FOLDER", help="Images <prompt id>_<k>.png of a model.")
]
Prompts = Annotated[
    Path,
    typer.Option(help="prompts.parquet of an evaluation of any of them.", parser=user_paths.path),
]
Count = Annotated[int | None, typer.Option(min=1, help="So many duels at most. [default: all]")]
Seed = Annotated[int, typer.Option(min=0, help="Which duels, and who stands on the left.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="A folder.", parser=user_paths.path)]


@app.command()
def page(named: Models, prompts: Prompts, out: Out, count: Count = 100, seed: Seed = 0) -> None:
    """Write OUT/vote.html, for people, and OUT/duels.jsonl, which says whose images these are.

    Example: python -m infer.arena page ours=out/images theirs=theirs --prompts
    out/prompts.parquet -o arena

    Voters get vote.html alone, and send back the votes.jsonl that it lets them download.
    """
    from curation import storage
    from curation.storage import ownership
    from infer.arena import duels, votes
    from infer.arena.page import Shown, render

    user_paths.refuse_file(str(out))
    folders, asked = duels.models(named), duels.prompts(prompts)
    listed = duels.chosen(folders, asked, count, seed)
    given = duels.inputs(prompts, {duel.prompt_id for duel in listed})
    shown = [
        Shown(duel.id, duel.prompt, *duels.images(duel, folders), given.get(duel.prompt_id))
        for duel in listed
    ]
    with ownership.held(str(out), KIND):
        votes.write(out / "duels.jsonl", listed)
        storage.write_bytes(str(out / "vote.html"), render(shown).encode("utf-8", "replace"))
    typer.echo(
        f"{len(listed)} duels in {out / 'vote.html'}; keep {out / 'duels.jsonl'} to yourself"
    )


@app.command()
def judge(
    named: Models,
    prompts: Prompts,
    out: Out,
    url: Annotated[str, typer.Option("--judge", metavar="URL", help="A server of chat.")],
    model: Annotated[str, typer.Option("--judge-model", help="The model's name there.")],
    count: Count = None,
    seed: Seed = 0,
    at_once: harness_options.AtOnce = 8,
) -> None:
    """Have a vision-language model vote, asked twice about each duel with sides swapped.

    Writes OUT/votes.jsonl; how often it prefers what is shown first is said. Its key is in
    JUDGE_API_KEY.
    """
    from curation.storage import ownership
    from infer.arena import duels, judging, votes
    from infer.harness.cache import Cache
    from infer.harness.judges import Judge

    user_paths.refuse_file(str(out))
    folders, asked = duels.models(named), duels.prompts(prompts)
    listed = duels.chosen(folders, asked, count, seed)
    given = duels.inputs(prompts, {duel.prompt_id for duel in listed})
    with ownership.held(str(out), KIND):
        by = Judge(url, model, Cache(out / "cache"), at_once)
        judged = judging.judge(listed, lambda duel: duels.images(duel, folders), given, by)
        votes.write(out / "votes.jsonl", judged.votes)
    typer.echo(f"{len(listed)} duels by {model} in {out / 'votes.jsonl'}")
    typer.echo(f"the image shown first is better: {judged.position_bias}; a fair judge: 50 %")
    typer.echo(f"ties because it changed sides: {judged.disagreed}; unclear: {judged.unclear}")


@app.command()
def rate(
    files: Annotated[list[Path], typer.Argument(help="Votes, .jsonl or .parquet.")],
    duels: Annotated[
        Path | None, typer.Option(help="duels.jsonl of the page that was voted on.")
    ] = None,
    anchor: Annotated[
        str | None, typer.Option(help="The model whose rating is 1000. [default: the mean is]")
    ] = None,
    resamples: Annotated[int, typer.Option(min=200, help="Of prompts, for intervals.")] = 1000,
    as_json: options.AsJson = False,
) -> None:
    """Ratings by Bradley and Terry's model, with 95 % intervals by bootstrap over prompts.

    Example: python -m infer.arena rate votes-*.jsonl --duels arena/duels.jsonl

    Votes are {"prompt": ..., "a": MODEL, "b": MODEL, "vote": "a", "b", "both" or "neither"}.
    """
    from infer.arena import ratings, votes

    cast = votes.read(files, votes.duels(duels) if duels else ())
    rated = ratings.rate(cast, anchor, resamples)
    ties = sum(vote.vote in ("both", "neither") for vote in cast)
    counts = {
        "votes": len(cast),
        "prompts": len({ratings.prompt_of(vote) for vote in cast}),
        "ties": ties,
    }
    if as_json:
        listed = [asdict(each) for each in rated]
        typer.echo(json.dumps({**counts, "ratings": listed}, ensure_ascii=False, indent=1))
        return
    for each in rated:
        ranks = f"rank {each.rank} [{each.best_rank}, {each.worst_rank}]"
        interval = f"[{each.low:.0f}, {each.high:.0f}]"
        typer.echo(f"{each.model}: {each.rating:.0f} {interval}, {ranks}, {each.votes} votes")
    typer.echo(", ".join(f"{name} {value:,}" for name, value in counts.items()))


if __name__ == "__main__":
    commands.main("infer.arena", app)
