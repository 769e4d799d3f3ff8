"""Evaluations and files of bad cases as cases. What is none is quarantined, and the rest goes on.

All of it was made by others: files are read as data alone, and an image lies below the folder of
the file that names it.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from curation.failures.errors import UsageError
from curation.storage import user_paths
from train.flywheel.cases import CASE, EVALUATION, Case

_COLUMNS = ("prompt_id", "k", "prompt", "group", "texts", "missing", "score", "read")
_NAME = re.compile(r"[\w.-]+")
_LONGEST = 20_000  # characters of a prompt
_MOST = 2**31 - 1  # as k
# Benchmarks that write what is wrong, an answer or nothing where others write what was read.
_NO_TEXT = frozenset(
    (
        *("depth", "dpg_bench", "gedit_bench", "geneval", "geneval_vlm", "imgedit", "novel_view"),
        *("oneig_alignment", "tiif"),
    )
)


@dataclass(frozen=True)
class Quarantined:
    """What was looked at and is no case, with the reason."""

    place: str
    reason: str


@dataclass
class Intake:
    """What came in, so many rows and lines (``entered``): the ``cases``, what was ``quarantined``,
    and what evaluations say of themselves, by the names of their sources.
    """

    entered: int = 0
    cases: list[Case] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def _texts(value: Any) -> Any:
    """A text may stand alone."""
    return (
        (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value
    )


Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class BadCase(BaseModel):
    """A line of a file of bad cases. Other keys are let be."""

    model_config = ConfigDict(frozen=True)

    prompt: Annotated[str, Field(min_length=1, max_length=_LONGEST)]
    image: str = ""
    expected: Annotated[tuple[str, ...], BeforeValidator(_texts)] = ()
    read: str | None = None
    score: Unit = 0.0
    note: str = ""
    group: str = ""
    rewards: Mapping[str, Unit] = {}


def evaluation(intake: Intake, name: str, folder: Path) -> None:
    """Take in what an evaluation left. Raises ``UsageError`` where there is none."""
    path, result = folder / "prompts.parquet", folder / "result.json"
    try:
        published = json.loads(result.read_bytes())
        rows = pq.read_table(path, columns=list(_COLUMNS)).to_pylist()
    except (OSError, ValueError, KeyError, RecursionError, pa.ArrowException) as error:
        raise UsageError(
            f"{folder}: {error}; expected the --out of an evaluation that was carried to its end"
        ) from error
    result_of = published if isinstance(published, dict) else {}
    intake.results[name] = result_of
    seen = set[tuple[str, int]]()
    for number, row in enumerate(rows, 1):
        intake.entered += 1
        try:
            case = _of_row(name, folder, row)
            if (key := (case.prompt_id, case.k)) in seen:
                raise ValueError(f"prompt_id {key[0]!r}, k {key[1]} stands in a row before")
            seen.add(key)
            read = text_of(str(result_of.get("benchmark")), case.read)
            intake.cases.append(replace(case, read=read))
        except (TypeError, ValueError, KeyError) as error:
            intake.quarantined.append(Quarantined(f"{path}, row {number}", str(error)))


def _of_row(name: str, folder: Path, row: Mapping[str, Any]) -> Case:
    score, prompt, k = row["score"], row["prompt"], row["k"]
    if not isinstance(score, float) or not math.isfinite(score):
        raise ValueError(f"score is {score!r}; expected a number")
    if not isinstance(prompt, str) or not prompt.strip() or len(prompt) > _LONGEST:
        raise ValueError("expected a prompt")
    if not isinstance(row["prompt_id"], str) or not isinstance(k, int) or abs(k) > _MOST:
        raise ValueError(f"expected a prompt_id, and k of {_MOST} at most")
    image = inside(folder / "images", f"{row['prompt_id']}_{k}.png")
    return Case(
        *(EVALUATION, name, row["prompt_id"], k, prompt),
        texts=tuple(str(of) for of in row["texts"] or () if of),
        read=str(row["read"] or ""),
        score=score,
        image=image,
        group=str(row["group"] or ""),
        missing=bool(row["missing"]),
    )


def text_of(benchmark: str, read: str | None) -> str | None:
    """What was read of an image, by what a benchmark writes there; None where that is no text."""
    if benchmark in _NO_TEXT:
        return None
    if benchmark == "chinese_word" and read:  # READ / NEAREST of two readers
        return read.partition(" / ")[0]
    return read


def inside(folder: Path, name: str) -> str:
    """The path of a file below a folder; empty where it is not there, or lies elsewhere."""
    try:
        place = (folder / name).resolve()
        is_inside = place.is_relative_to(folder.resolve()) and place.is_file()
    except (OSError, ValueError):
        return ""
    return str(folder / name) if is_inside else ""


def bad_cases(intake: Intake, path: Path) -> None:
    """Take in a file of bad cases, JSON lines. Raises ``UsageError`` where there is none."""
    prompts: dict[tuple[str, tuple[str, ...]], str] = {}
    seen = Counter[str]()
    for number, line in lines(path):
        place = f"{path}:{number}"
        intake.entered += 1
        try:
            bad = BadCase.model_validate(loaded(line))
            image = inside(path.parent, bad.image) if bad.image else ""
            if bad.image and not image:
                raise ValueError(f"no image {bad.image[:200]!r} below {path.parent}")
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            intake.quarantined.append(Quarantined(place, reason))
            continue
        except (ValueError, RecursionError) as error:
            intake.quarantined.append(Quarantined(place, str(error)))
            continue
        key = bad.prompt, bad.expected
        name = prompts.setdefault(key, f"{len(prompts):05d}")
        intake.cases.append(
            Case(
                *(CASE, path.name, name, seen[name], bad.prompt),
                texts=bad.expected,
                read=bad.read,
                score=bad.score,
                image=image,
                group=bad.group,
                note=bad.note,
                rewards=dict(bad.rewards),
            )
        )
        seen[name] += 1


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that say anything, with their numbers. Raises ``UsageError``."""
    data = user_paths.read(str(path)).decode("utf-8-sig", "replace")
    for number, line in enumerate(data.split("\n"), 1):
        if line.strip():
            yield number, line


def loaded(line: str) -> Any:
    """The JSON of a line. Raises ``ValueError``, also for text that no file can hold, and
    ``RecursionError``.
    """
    value = json.loads(line)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair; expected text") from None
    return value


def named(given: Sequence[str]) -> dict[str, Path]:
    """``NAME=FOLDER`` or FOLDER, which is called as it is named. Raises ``UsageError``."""
    folders: dict[str, Path] = {}
    for each in given:
        name, mark, folder = each.partition("=")
        if not mark or not _NAME.fullmatch(name):
            name, folder = Path(each).resolve().name, each
        if name in folders:
            raise UsageError(f"{each}: another is called {name}; give NAME=FOLDER")
        folders[name] = Path(folder)
    return folders
