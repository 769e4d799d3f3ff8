"""Paragraphs out of a file: plain text, JSON lines or Parquet, read as a stream."""

import json
import re
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from curation.failures.errors import UsageError
from curation.strict_yaml import did_you_mean
from synthesis.corpus import cleaning
from synthesis.corpus.translations import TextKind, Translation

LONGEST_LINE = 1_000_000  # bytes: longer is no paragraph but a broken file
_BATCH = 1000  # rows of Parquet held at a time
_LOOKED_AT = 2000  # lines from which to tell whether a text is wrapped
_WIDEST_WRAPPED = 120  # characters
_ENDED = re.compile(r"[.!?…。！？：:;；”’»\"')）」』।]\s*$")
_WIDE = re.compile(r"[\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


def texts(path: Path) -> Iterator[str]:
    """The paragraphs of the file, as they stand in it.

    Raises ``UsageError`` naming file and line.
    """
    if path.is_dir():
        raise UsageError(f"--corpus {path}: a folder; name a .txt, .jsonl or .parquet file")
    try:
        if path.suffix.lower() == ".parquet":
            yield from _rows(path)
        elif path.suffix.lower() in (".jsonl", ".ndjson"):
            for number, line in _lines(path):
                if line.strip():
                    yield _json_text(line, f"{path}:{number}")
        elif _is_wrapped(path):
            yield from _blocks(path)
        else:
            yield from (line for _, line in _lines(path) if line.strip())
    except FileNotFoundError as error:
        raise UsageError(f"--corpus {path}: no such file") from error


def _lines(path: Path, option: str = "--corpus") -> Iterator[tuple[int, str]]:
    with path.open("rb") as stream:
        for number, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE + 1), b""), 1):
            if len(line) > LONGEST_LINE:
                problem = f"a line of over {LONGEST_LINE:,} bytes; break it into paragraphs"
                raise UsageError(f"{option} {path}:{number}: {problem}")
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                place = f"{option} {path}:{number}"
                raise UsageError(f"{place}: not UTF-8 (byte {error.start} of the line)") from error


def _json_text(line: str, place: str) -> str:
    value = _json(line, place)
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise UsageError(f'{place}: expected an object with a string "text"')
    return text


def _json(line: str, place: str) -> Any:
    try:
        return json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UsageError(f"{place}: not JSON ({error})") from error


def parallel(path: Path) -> Iterator[Translation]:
    """The pairs of a file of JSON lines: of each line ``en``, ``zh`` and perhaps ``kind``.

    Raises ``UsageError`` naming file and line.
    """
    try:
        for number, line in _lines(path, "--parallel"):
            if line.strip():
                yield _translation(line, f"--parallel {path}:{number}")
    except OSError as error:
        raise UsageError(f"--parallel {path}: {error.strerror}") from error


def _translation(line: str, place: str) -> Translation:
    value = _json(line, place)
    value = value if isinstance(value, dict) else {}
    texts = [value.get(language) for language in ("en", "zh")]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise UsageError(f'{place}: expected an object with texts "en" and "zh"')
    kind = value.get("kind")
    if kind is not None and kind not in [*TextKind]:
        hint = did_you_mean(str(kind), [*TextKind])
        raise UsageError(f"{place}: kind {kind!r}{hint}; there are {', '.join(TextKind)}")
    english, chinese = (cleaning.clean(str(text)) for text in texts)
    return Translation(english, chinese, kind and TextKind(kind))


def _rows(path: Path) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if "text" not in names or not _is_text(file.schema_arrow.field("text").type):
                problem = f"expected a column `text` of strings; it has {', '.join(names)}"
                raise UsageError(f"--corpus {path}: {problem}")
            for batch in file.iter_batches(_BATCH, columns=["text"]):
                yield from filter(None, batch.column(0).to_pylist())
    except pa.ArrowException as error:
        raise UsageError(f"--corpus {path}: not Parquet that can be read ({error})") from error


def _is_text(kind: object) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_wrapped(path: Path) -> bool:
    """Whether blank lines part the paragraphs and their own lines are wrapped at some width.

    Told from the beginning: there are blank lines, no line is wide, and of the lines another
    follows, most do not end a sentence.
    """
    lines = [line.strip() for _, line in islice(_lines(path), _LOOKED_AT)]
    followed = [line for line, following in pairwise(lines) if line and following]
    if not followed or not any(not line for line in lines[:-1]):
        return False
    unended = sum(1 for line in followed if not _ENDED.search(line))
    typical = sorted(len(line) + len(_WIDE.findall(line)) for line in followed)[len(followed) // 2]
    wide = max(map(len, lines)) > _WIDEST_WRAPPED
    return not wide and typical >= 40 and unended > 0.6 * len(followed)


def _blocks(path: Path) -> Iterator[str]:
    block: list[str] = []
    for _, line in _lines(path):
        if line.strip():
            block.append(line.strip())
        elif block:
            yield _joined(block)
            block = []
    if block:
        yield _joined(block)


def _joined(block: list[str]) -> str:
    """Wrapped lines as one: with a space between, except where both ends are CJK."""
    text = block[0]
    for line in block[1:]:
        closed = _WIDE.match(text[-1]) and _WIDE.match(line[0])
        text += line if closed else f" {line}"
    return text
