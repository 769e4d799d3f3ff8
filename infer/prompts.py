"""Prompts, their files and their seeds."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from curation.failures.errors import UsageError
from curation.storage import user_paths

LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Prompt:
    """A text to generate an image of; ``seed`` is that of its noise, None before ``with_seeds``.
    ``given`` is what a user wrote, where the language model ``writer`` wrote the text anew.
    """

    text: str
    seed: int | None = None
    given: str = ""
    writer: str = ""


def image_seed(seed: int, index: int) -> int:
    """The noise seed of image ``index``: ``seed`` itself for the first, then a hash of the two.

    So an image depends on its own place only, never on how many others are generated with it, and
    the seed stored in any image generates that image alone.
    """
    if index == 0:
        return seed
    digest = hashlib.blake2b(f"{seed}:{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") & LARGEST_SEED


def with_seeds(prompts: Sequence[Prompt], seed: int) -> list[Prompt]:
    """The prompts with a seed each; one that has its own keeps it."""
    return [
        prompt if prompt.seed is not None else replace(prompt, seed=image_seed(seed, index))
        for index, prompt in enumerate(prompts)
    ]


def from_arguments(texts: Iterable[str]) -> list[Prompt]:
    """Prompts typed on the command line. Raises ``UsageError``."""
    return [_prompt(text, None, f"prompt {number}") for number, text in enumerate(texts, 1)]


def read(path: str) -> list[Prompt]:
    """Read prompts: a ``.jsonl`` of objects with ``prompt`` (and ``seed``), else one per line.

    Blank lines are skipped. Raises ``UsageError`` with file and line, ``OSError``.
    """
    try:
        content = user_paths.read(path, "--prompts").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8") from error
    read_line = _from_json if PurePath(path).suffix.lower() == ".jsonl" else _from_text
    prompts = [
        read_line(line.strip(), f"{path}:{number}")
        for number, line in enumerate(content.split("\n"), 1)
        if line.strip()
    ]
    if not prompts:
        raise UsageError(f"{path}: holds no prompt; expected one per line")
    return prompts


def _from_text(line: str, place: str) -> Prompt:
    return _prompt(line, None, place)


def _from_json(line: str, place: str) -> Prompt:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place}: not JSON ({error})") from error
    if not isinstance(row, dict) or not isinstance(row.get("prompt"), str):
        raise UsageError(f'{place}: expected an object with a string `prompt`: {{"prompt": "..."}}')
    return _prompt(row["prompt"], row.get("seed"), place)


def _prompt(text: str, seed: Any, place: str) -> Prompt:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"{place}: holds a character that is not valid Unicode; write it as UTF-8")
    if not text.strip():
        raise UsageError(f"{place}: is empty; expected what the image is to show")
    if seed is None:
        return Prompt(text)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"{place}: `seed` is {seed!r}; expected an integer from 0 to 2**63 - 1")
    return Prompt(text, seed)
