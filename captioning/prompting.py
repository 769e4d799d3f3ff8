"""The prompts of captioners: files with a version, in English and Chinese.

What a stranger wrote (a raw caption, a text that was read in the image) enters the user's turn
between marks, as data; nothing of a row ever enters the system's turn.
"""

import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import field_validator

from curation.strict_yaml import Frozen, bind, read, refused

FOLDER = Path(__file__).parent / "prompts"
Language = Literal["en", "zh"]
LONGEST_DATA = 2000  # characters of a stranger's text in a prompt
_PLACES = re.compile(r"\{(length|raw|text|caption)\}")
NO_KINDS = ("fuse", "edit")  # prompts that ask for no caption of an image


class Prompt(Frozen):
    """A file of ``prompts/``: ``{length}`` stands for one of its ``lengths``, ``{raw}`` for the raw
    caption, ``{text}`` for what was read in the image and ``{caption}`` for its recaption.
    """

    version: int
    language: Language
    system: str
    user: str
    lengths: tuple[str, ...] = ()

    @field_validator("system")
    @classmethod
    def _is_ours(cls, system: str) -> str:
        if strange := set(_PLACES.findall(system)) - {"length"}:
            place = f"{{{strange.pop()}}}"
            raise refused(f"{place} in the system's turn: expected it in 'user' alone", "system")
        return system

    @property
    def digest(self) -> str:
        """What answers to it are kept by."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


class EditPrompt(Prompt):
    """The prompt about an edit: what is said before each input (``{number}`` from 1) and before the
    result.
    """

    input_label: str
    result_label: str

    def labels(self, inputs: int) -> tuple[str, ...]:
        """What is said before each of so many inputs, and before the result."""
        numbered = (self.input_label.format(number=of) for of in range(1, inputs + 1))
        return (*numbered, self.result_label)


@dataclass(frozen=True)
class Turn:
    """What a captioner is told of an image: the ``system``'s turn, and the ``user``'s; of several
    images with a label before each.
    """

    system: str
    user: str
    labels: tuple[str, ...] = ()


@cache
def kinds() -> tuple[str, ...]:
    """The kinds of captions there are prompts for."""
    return tuple(sorted({path.name.split(".")[0] for path in FOLDER.glob("*.yaml")} - {*NO_KINDS}))


@cache
def prompt(kind: str, language: Language) -> Prompt:
    """The prompt of a kind. Raises ``ConfigurationError``."""
    return bind(read(str(FOLDER / f"{kind}.{language}.yaml")), Prompt)


@cache
def edit_prompt(language: Language) -> EditPrompt:
    """The prompt about edits. Raises ``ConfigurationError``."""
    return bind(read(str(FOLDER / f"edit.{language}.yaml")), EditPrompt)


def turn(
    of: Prompt,
    length: int = 0,
    raw: Sequence[str] = (),
    text: Sequence[str] = (),
    caption: str = "",
) -> Turn:
    """The prompt of one row: the ``length``-th of its lengths (modulo their number)."""
    wanted = of.lengths[length % len(of.lengths)] if of.lengths else ""
    values = {"length": wanted, "raw": _data(raw), "text": _data(text), "caption": _data([caption])}

    def filled(template: str) -> str:
        return _PLACES.sub(lambda place: values[place.group(1)], template).strip()

    return Turn(filled(of.system), filled(of.user))


def edit_turn(of: EditPrompt, inputs: int, length: int = 0) -> Turn:
    """The prompt about an edit of so many inputs, for the ``length``-th of its lengths."""
    return replace(turn(of, length), labels=of.labels(inputs))


def _data(texts: Sequence[str]) -> str:
    """Strangers' texts, so that none of them ends the marks around it."""
    return html.escape(" / ".join(texts)[:LONGEST_DATA], quote=False)
