"""Votes on duels: two images of one prompt, by models ``a`` and ``b``, and who was better."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from curation import storage
from curation.failures.errors import UsageError
from curation.storage import user_paths

_Record = TypeVar("_Record", bound=BaseModel)
Answer = Literal["a", "b", "both", "neither"]


class Duel(BaseModel):
    """Two models' images of the prompt ``prompt_id``, ``a`` on the left; ``id`` is all that a voter
    sees of it. Edits of several images may have the same ``prompt``.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    prompt: str
    a: str
    b: str
    k: int = 0
    prompt_id: str = ""


class Vote(BaseModel):
    """Who was better; ``both`` and ``neither`` are ties. Without a ``prompt_id`` votes on the same
    ``prompt`` belong together.
    """

    model_config = ConfigDict(frozen=True)

    prompt: str
    a: str
    b: str
    vote: Answer
    prompt_id: str = ""


class Answered(BaseModel):
    """A line of what the page lets its voter download."""

    duel: str
    vote: Answer


def of_duel(duel: Duel, vote: Answer) -> Vote:
    """A vote on a duel."""
    return Vote(prompt=duel.prompt, a=duel.a, b=duel.b, vote=vote, prompt_id=duel.prompt_id)


def write(path: Path, records: Iterable[BaseModel]) -> None:
    """JSON lines. Raises ``OSError``."""
    text = "".join(f"{json.dumps(each.model_dump(), ensure_ascii=False)}\n" for each in records)
    storage.write_bytes(str(path), text.encode("utf-8", "surrogatepass"))


def duels(path: Path) -> list[Duel]:
    """What a page was made of. Raises ``UsageError``."""
    return [_checked(path, number, each, Duel) for number, each in enumerate(_rows(path), 1)]


def read(paths: Sequence[Path], of: Sequence[Duel] = ()) -> list[Vote]:
    """Votes of .jsonl and .parquet files: ``{prompt, a, b, vote}``, with ``prompt_id`` or without,
    or those on the ``duels`` of a page. Raises ``UsageError`` for what is neither, for a duel that
    is none of these, and for a file that is given twice.
    """
    known = {duel.id: duel for duel in of}
    votes: list[Vote] = []
    given: dict[bytes, Path] = {}
    for path in paths:
        content = _bytes(path)
        if (same := given.setdefault(content, path)) is not path:
            raise UsageError(f"{path}: the same votes as {same}, which would count twice")
        for number, row in enumerate(_rows(path), 1):
            if isinstance(row, dict) and "duel" in row:
                answered = _checked(path, number, row, Answered)
                duel = known.get(answered.duel)
                if duel is None:
                    raise UsageError(
                        f"{path}, row {number}: no duel {answered.duel!r}; expected --duels, the"
                        " file beside the page that was voted on"
                    )
                vote = of_duel(duel, answered.vote)
            else:
                vote = _checked(path, number, row, Vote)
            if vote.a == vote.b:
                raise UsageError(f"{path}, row {number}: {vote.a} against itself")
            votes.append(vote)
    return votes


def _bytes(path: Path) -> bytes:
    try:
        return user_paths.read(str(path))
    except OSError as error:
        raise UsageError(f"{path}: not readable ({error})") from None


def _rows(path: Path) -> list[object]:
    try:
        if path.suffix == ".parquet":
            return list(pq.read_table(path).to_pylist())
        return [json.loads(line) for line in path.read_bytes().split(b"\n") if line.strip()]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UsageError(f"{path}: not readable ({error})") from None


def _checked(path: Path, number: int, row: object, kind: type[_Record]) -> _Record:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path}, row {number}: {place}: {first['msg']}") from None
