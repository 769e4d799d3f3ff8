"""Of which kind an edit is: as its source calls it, else by the words of its instruction.

The rules are data, ``edit_kinds.yaml``. What an instruction quotes is no part of its words; that it
quotes something is.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated

import pyarrow as pa
from pydantic import Field

from curation.shard import EDIT_KINDS, EDIT_OPERATIONS
from curation.signals import rule_file
from curation.signals.caption_validity import unquoted
from curation.signals.pair import Pair
from curation.signals.rule_file import Versioned
from curation.signals.signal import Column, signal
from curation.strict_yaml import Frozen, nearest, shown

VERSION = 4  # of the rules, and of what is below
FILE = "edit_kinds.yaml"
LONGEST = 500  # characters that are looked at
UNKNOWN = "edit_kind_unknown"
LONGEST_NAME = 60  # characters of a name that is not known
LISTED = "docs/edits.md lists the kinds"
Kind = tuple[str | None, str | None]
_PLACE = re.compile(r"<([^<>\W]+)>")


class Rule(Frozen):
    """A kind, and an operation where one can be told, of texts in which a pattern is found; no kind
    where what they ask for is none of ours.
    """

    kind: str | None = None
    operation: str | None = None
    holds: Annotated[tuple[str, ...], Field(min_length=1)]


class Rules(Versioned):
    """The file of rules; what its keys mean is said at its head."""

    aside: tuple[str, ...]
    sources: Mapping[str, str]
    words: Mapping[str, str]
    rules: tuple[Rule, ...]


@signal(
    tier="pair",
    version=VERSION,
    columns={
        "edit_kind": Column(
            pa.string(), "a category", "what kind of edit it is", categories=EDIT_KINDS
        ),
        "edit_operation": Column(
            pa.string(), "a category", "the edit, finer", categories=EDIT_OPERATIONS
        ),
        UNKNOWN: Column(
            pa.string(), "a name", "what the source calls it that is no known kind", in_shards=False
        ),
    },
)
def pair_kind(pair: Pair) -> dict[str, str | None]:
    """Kind and operation: the source's if it says any that is known, else the instruction's."""
    kind, operation = of_source(pair.kind, pair.operation)
    unknown = None
    if kind is None:
        kind, operation = of_instructions(pair.instructions)
        unknown = pair.kind or pair.operation
    known = {"edit_kind": kind, "edit_operation": operation}
    return known | {UNKNOWN: unknown[:LONGEST_NAME] if unknown else None}


def note(name: str, pairs: int) -> str:
    """That a name was passed over, of so many pairs, and the kind of the nearest known one."""
    names = {of.partition(".")[2]: of for of in reversed(EDIT_OPERATIONS)}
    names |= {of: of for of in (*EDIT_KINDS, *EDIT_OPERATIONS)} | dict(shipped().sources)
    near = nearest(name, names)
    kind, _ = of_source(names.get(near or ""), None)
    said = f"edit_kind {shown(name)} is not known and was passed over in {pairs} "
    said += "pair: " if pairs == 1 else "pairs: "
    return said + (f"did you mean {kind!r}? " if kind else "") + LISTED


def of_source(kind: str | None, operation: str | None) -> Kind:
    """What a source says, in our words or those of a known data set; None where it does not."""
    for said in (operation, kind):
        known = _known(said) if said else None
        if known and (known[1] or said == kind):
            return known
    return (kind, operation) if kind in EDIT_KINDS else (None, None)


def _known(said: str) -> Kind | None:
    name = shipped().sources.get(said.casefold().replace(" ", "_"), said)
    if name in EDIT_OPERATIONS:
        return name.partition(".")[0], name
    return (name, None) if name in EDIT_KINDS else None


def of_instructions(texts: Iterable[str]) -> Kind:
    """What the first instruction asks for of which a rule says so; None where none does, or where
    the rule says that it is no kind of ours.
    """
    for text in texts:
        plain = unquoted(text[:LONGEST]).replace("\u00a7", " \u00a7 ")
        plain = " ".join(_aside().sub(" ", plain).split())
        for kind, operation, pattern in _patterns():
            if pattern.search(plain):
                return kind, operation
    return None, None


@cache
def shipped() -> Rules:
    """The rules as shipped. Raises ``ConfigurationError`` for a file that is no such."""
    return rule_file.shipped(FILE, Rules, VERSION, "pair_kind.py")


@cache
def _aside() -> re.Pattern[str]:
    return re.compile("|".join(shipped().aside))


@cache
def _patterns() -> tuple[tuple[str | None, str | None, re.Pattern[str]], ...]:
    rules = shipped()

    def written(pattern: str) -> str:
        return _PLACE.sub(lambda match: rules.words[match[1]], pattern)

    return tuple(
        (of.kind, of.operation, re.compile("|".join(f"(?:{written(p)})" for p in of.holds)))
        for of in rules.rules
    )
