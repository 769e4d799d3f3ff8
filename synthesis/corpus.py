"""Texts to draw: the small corpus we wrote, or the user's own file (``.txt`` or ``.jsonl``)."""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from synthesis.problems import UsageError

SHIPPED = Path(__file__).parent / "corpora"
SHIPPED_LICENCE = "CC0-1.0"
_SPACES = re.compile(r"[ \t]+")
LONGEST_LINE = 1_000_000  # characters: longer is no paragraph but a broken file


@dataclass(frozen=True)
class Paragraph:
    """One text, drawn whole or not at all; ``\\n`` where it must break (poems, menus)."""

    text: str


@dataclass(frozen=True)
class Corpus:
    """Paragraphs without repeats, in the file's order, and the digest of them all."""

    paragraphs: tuple[Paragraph, ...]
    digest: str


@cache
def load(language: str, file: str | None = None) -> Corpus:
    """The shipped corpus of ``language``, or the one in ``file``.

    ``.jsonl`` has an object with a string ``text`` per line; anything else is plain text, one
    paragraph per line. Texts are NFC-normalised, runs of spaces and tabs
    become one space, repeats are dropped.
    Raises ``UsageError`` naming file and line.
    """
    path = Path(file) if file else SHIPPED / f"{language}.jsonl"
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError as error:
        raise UsageError(f"--corpus {path}: no such file") from error
    except IsADirectoryError as error:
        raise UsageError(f"--corpus {path}: a folder; name a .txt or .jsonl file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--corpus {path}: not UTF-8 (byte {error.start})") from error
    is_json = path.suffix.lower() in (".jsonl", ".ndjson")
    texts = [
        _json_text(line, f"{path}:{number}") if is_json else line
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    cleaned = dict.fromkeys(filter(None, map(_clean, texts)))
    if not cleaned:
        raise UsageError(f"--corpus {path}: no text in it")
    digest = hashlib.blake2b(json.dumps(list(cleaned)).encode(), digest_size=16).hexdigest()
    return Corpus(tuple(map(Paragraph, cleaned)), digest)


def _json_text(line: str, place: str) -> str:
    if len(line) > LONGEST_LINE:
        raise UsageError(f"{place}: a line of {len(line)} characters; at most {LONGEST_LINE}")
    try:
        value = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UsageError(f"{place}: not JSON ({error})") from error
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise UsageError(f'{place}: expected an object with a string "text"')
    return text


def _clean(text: str) -> str:
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").split("\n")
    return "\n".join(_SPACES.sub(" ", line).strip() for line in lines).strip("\n")
