"""A triplet: a short prompt, the fine one it stands for, and the reasoning that leads to it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from curation.failures.errors import UsageError
from curation.shard.quotations import EVERY, spans
from train.data.examples import is_held_out
from train.enhancer.words import Words

NAME = "triplets.jsonl"
Category = Literal["general", "portrait", "text", "complex_text"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
_LONG, _MANY = 40, 3  # quoted characters, and texts, from which on text is complex
_NEEDED = ("short", "reasoning", "fine")


@dataclass(frozen=True)
class Triplet:
    """``short`` and ``fine`` quote the same texts. ``reasoning`` says step by step what is to be
    added; ``degradations`` are the names of those that made ``short`` of ``fine``.
    """

    id: str
    short: str
    reasoning: str
    fine: str
    language: str = ""
    category: str = "general"
    degradations: tuple[str, ...] = ()

    def is_held_out(self, share: float) -> bool:
        """Whether the hash of what the fine prompt, else the short one, quotes, or of all of it
        where it quotes nothing, is in the share: the split of the trainer of images, which goes by
        the texts that these show.
        """
        text = self.fine or self.short
        return is_held_out("\n".join(spans(text, EVERY)) or text, share)


def category(fine: str, lines: int, words: Words | None) -> Category:
    """What a caption is of, by rules: "complex_text" quotes three texts or 40 characters and more,
    or its image shows so many ``lines`` (of ``text_boxes``) beside a quotation; "text" quotes less;
    "portrait" names a person (``words``) and quotes nothing.
    """
    quoted = spans(fine, EVERY)
    if quoted:
        many = max(len(quoted), lines) >= _MANY or sum(map(len, quoted)) >= _LONG
        return "complex_text" if many else "text"
    return "portrait" if words and words.names_person(fine) else "general"


def encoded(triplets: Iterable[Triplet]) -> bytes:
    """JSON lines."""
    lines = (json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in triplets)
    return "".join(lines).encode()


def place(given: str) -> Path:
    """The file that a folder of triplets, or the file itself, stands for. Raises ``UsageError``."""
    path = Path(given)
    path = path / NAME if path.is_dir() else path
    if not path.is_file():
        raise UsageError(
            f"--data {given}: expected {NAME}, or a folder with it, as `python -m train.enhancer"
            " triplets` writes it"
        )
    return path


def read(given: str, needed: Sequence[str] = _NEEDED) -> tuple[list[Triplet], str]:
    """The triplets of a file or folder, and a digest of the file; of the ``needed`` keys none is
    missing. Raises ``UsageError`` with the line of what is none.
    """
    path = place(given)
    data = path.read_bytes()
    triplets = list(_parsed(path, data, needed))
    if not triplets:
        raise UsageError(f"{path}: holds no triplet")
    return triplets, hashlib.blake2b(data, digest_size=16).hexdigest()


def _parsed(path: Path, data: bytes, needed: Sequence[str]) -> Iterator[Triplet]:
    known = Triplet.__dataclass_fields__
    lines = data.decode("utf-8", "replace").split("\n")  # splitlines knows ends that JSON has not
    for number, line in enumerate(lines if lines[-1] else lines[:-1], 1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        read = value if isinstance(value, dict) else {}
        given: dict[str, Any] = {key: read[key] for key in known if key in read}
        steps = given.pop("degradations", [])
        texts = {**dict.fromkeys(needed), **given}
        wrong = [key for key, text in texts.items() if not isinstance(text, str)]
        if wrong or not given["short"].strip():
            lacks = ", ".join(wrong) or "words in short"
            raise UsageError(f"{path}:{number}: expected a JSON object with {lacks} as text")
        if not isinstance(steps, list) or not all(isinstance(each, str) for each in steps):
            raise UsageError(f"{path}:{number}: degradations: expected a list of names")
        given = {"id": str(number), "reasoning": "", "fine": ""} | given
        yield Triplet(**given, degradations=tuple(steps))
