"""Commands of ours as lists of arguments, and as a file for a shell."""

import shlex
from collections.abc import Iterable, Sequence, Sized
from pathlib import Path

from train.flywheel.deficits import Deficit
from train.flywheel.settings import RenderSettings, Settings

PYTHON = "python"
Command = tuple[str, ...]


def render(to: RenderSettings, out: Path, *more: str) -> Command:
    """``python -m synthesis.render``."""
    given = [PYTHON, "-m", "synthesis.render", "--lang", to.lang, "--seed", str(to.seed)]
    given += ["--size", to.size] if to.size else []
    given += ["--fonts", to.fonts] if to.fonts else []
    return (*given, *more, "--out", str(out))


def takes_need(to: RenderSettings) -> bool:
    """Whether characters are rendered by their counts, and not as texts."""
    return to.mode == "strings" or (to.mode, to.lang) == ("pure", "zh")


def renderings(
    characters: Sized, has_layouts: bool, texts: int, to: Settings, folder: Path, out: Path
) -> list[Command]:
    """What renders the characters and so many texts of a deficit, which lie in ``folder``."""
    made = []
    if len(characters) and takes_need(to.render):
        need = ("--mode", to.render.mode, "--need", str(folder / "need.tsv"))
        made.append(render(to.render, out / "characters", *need))
    wanted = has_layouts or (len(characters) and not takes_need(to.render))
    if wanted and texts and to.render.mode != "strings":
        alone = ("--corpus-only",) if to.render.mode == "pure" else ()
        corpus = ("--corpus", str(folder / "texts.jsonl"), *alone, "--n", str(texts))
        made.append(render(to.render, out / "texts", "--mode", to.render.mode, *corpus))
    return made


def retrieval(deficit: Deficit, to: Settings, folder: Path, pool: str) -> list[Command]:
    """What looks for images in what a run of curation left out; its output goes into a file."""
    if not deficit.prompts:
        return []
    given = [PYTHON, "-m", "taxonomy.retrieve", pool, "--failed", str(folder / "failed.jsonl")]
    given += ["--queries", str(folder / "queries.txt")] if deficit.keywords else []
    return [(*given, "--rows", str(to.plan.rows))]


def as_text(commands: Iterable[Sequence[str]]) -> str:
    """Lines for a shell."""
    return "".join(f"{shlex.join(each)}\n" for each in commands)
