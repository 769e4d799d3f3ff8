"""Duels of folders of images: which, and who stands on the left, by a seed."""

import random
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import decoding
from curation.picture.decoding import PictureError
from infer.arena.votes import Duel
from infer.harness import sources
from infer.harness.cache import digest
from infer.harness.rows import Request


def models(named: Sequence[str]) -> dict[str, Path]:
    """``NAME=FOLDER`` of each model. Raises ``UsageError``."""
    folders: dict[str, Path] = {}
    for each in named:
        name, _, folder = each.partition("=")
        if not name or not Path(folder).is_dir() or not folder:
            raise UsageError(f"{each!r}: expected NAME=FOLDER, a folder of <prompt id>_<k>.png")
        if name in folders:
            raise UsageError(f"{each!r}: another folder has that name")
        folders[name] = Path(folder)
    if len(folders) < 2:
        raise UsageError("expected at least two models, each NAME=FOLDER")
    return folders


def prompts(path: Path) -> dict[str, str]:
    """Prompts by id, of an evaluation's ``prompts.parquet``. Raises ``UsageError``."""
    try:
        rows = pq.read_table(path, columns=["prompt_id", "prompt"]).to_pylist()
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise UsageError(
            f"--prompts {path}: not readable ({error}); expected prompts.parquet of an evaluation"
        ) from None
    return {row["prompt_id"]: row["prompt"] for row in rows}


def inputs(path: Path, wanted: Collection[str]) -> dict[str, list[Image.Image]]:
    """What was to be edited, by the ids of ``wanted`` prompts, as far as the same file has it.
    Raises ``UsageError``.
    """
    if "inputs" not in pq.read_schema(path).names:  # of an earlier version
        return {}
    given: dict[str, list[Image.Image]] = {}
    names, only = ["prompt_id", "inputs"], [("prompt_id", "in", list(wanted))]
    for row in pq.read_table(path, columns=names, filters=only).to_pylist():
        if row["prompt_id"] not in given:
            try:
                images = [decoding.decode(each, None).rgb for each in row["inputs"] or ()]
            except PictureError as error:
                raise UsageError(
                    f"--prompts {path}: an input of {row['prompt_id']}: {error.detail}"
                ) from error
            given[row["prompt_id"]] = [Image.fromarray(each) for each in images]
    return given


def chosen(
    folders: Mapping[str, Path], asked: Mapping[str, str], count: int | None, seed: int
) -> list[Duel]:
    """At most ``count`` duels, all where None, of images that both have, in an order of chance.

    Raises ``UsageError`` where there is none.
    """
    chance = random.Random(seed)
    listed: list[Duel] = []
    files = {name: {path.name for path in folder.iterdir()} for name, folder in folders.items()}
    for name in sorted(asked):
        for pair in combinations(sorted(folders), 2):
            common = sorted(file for file in files[pair[0]] & files[pair[1]] if _is_of(file, name))
            if common:
                a, b = chance.sample(pair, 2)
                k = int(chance.choice(common).removesuffix(".png").rpartition("_")[2])
                secret = digest(seed, name, a, b, k)[:12]
                listed.append(Duel(id=secret, prompt=asked[name], a=a, b=b, k=k, prompt_id=name))
    if not listed:
        raise UsageError("no two models have an image <prompt id>_<k>.png of the same prompt")
    chance.shuffle(listed)
    return listed[:count]


def images(duel: Duel, folders: Mapping[str, Path]) -> tuple[Image.Image, Image.Image]:
    """The left and the right image of a duel. Raises ``UsageError``."""
    pair = [
        sources.opened(folders[model], Request(duel.prompt_id, duel.prompt, duel.k))
        for model in (duel.a, duel.b)
    ]
    if pair[0] is None or pair[1] is None:
        raise UsageError(f"an image of {duel.prompt_id} is no longer there")
    return pair[0], pair[1]


def _is_of(file: str, name: str) -> bool:
    before, _, k = file.removesuffix(".png").rpartition("_")
    return file.endswith(".png") and before == name and k.isdecimal()
