"""The slots of a phrasing, filled with what a change names."""

import re
from collections.abc import Callable, Sequence
from string import Formatter
from types import ModuleType

from synthesis.captions.grammar import with_article
from synthesis.description import Name
from synthesis.edits.edit import Change
from synthesis.edits.instructions import chinese, english
from synthesis.edits.instructions.grammar import (
    Speech,
    added,
    definite,
    indefinite,
    place,
    towards,
)

DATA: dict[str, ModuleType] = {"en": english, "zh": chinese}
UNCHANGING = ("restoration", "task.super_resolution")  # what is shown stays the same
_OF_IMAGES = (*UNCHANGING, "task.edges")  # their thing is the image itself
_DEFAULTS = {  # what is changed where a change does not say it
    "background": Name("background", "背景"),
    "task.boxes": Name("every line of text", "每一行文字"),
}
_MOVES = ("layout.move", "object.move")
_PLAINLY = re.compile(r"\b(read|say|says|reads|writ\w+)\b|写|{with}|{target}的|^{target}[^ ]")
MIDDLES = {  # of an edge: the ends of it are at the top, too
    "at the top": Name("at the top centre", "顶部中间"),
    "at the bottom": Name("at the bottom centre", "底部中间"),
    "on the left": Name("in the middle of the left side", "左侧中部"),
    "on the right": Name("in the middle of the right side", "右侧中部"),
}
_OF_TILTS = re.compile("straighten|^level|tilt|校正|倾斜")
_OF_TURNS = re.compile("right way up|orientation|方向|正向|转过来")
_SPACES = (  # around English names in Chinese: set off, but not from marks
    (re.compile(" +"), " "),
    (re.compile("^ | $| (?=[，。；：、“「])|(?<=[，。；：、”」]) "), ""),
)


def slots(pattern: str) -> list[str]:
    """The names of the slots, in their order."""
    return [slot for _, slot, _, _ in Formatter().parse(pattern) if slot]


def usable(patterns: Sequence[str], change: Change) -> list[str]:
    """The patterns that say all of the change, and ask for nothing it lacks."""
    return [
        pattern
        for pattern in patterns
        if _says(set(slots(pattern)), change) and _turns(pattern, change)
    ]


def _says(asked: set[str], change: Change) -> bool:
    placed = change.place is not None or change.other is not None
    return (
        bool(asked & {"new", "what", "with"}) >= (change.new is not None)
        and ("new" in asked) <= (change.new is not None)
        and ("amount" in asked) == (change.amount is not None)
        and ("was" in asked) <= (change.was is not None)
        and ("there" in asked) <= placed
    )


def _turns(pattern: str, change: Change) -> bool:
    """Whether a pattern is said of what is askew, or of what is turned by quarters."""
    wrong = _OF_TURNS if change.tilted else _OF_TILTS
    return change.operation != "restoration.rotate" or not wrong.search(pattern)


def filled(speech: Speech, pattern: str, change: Change) -> str:
    """The pattern with what the change names. Raises ``UnrenderableError`` (``unquotable``)."""
    values = {slot: _VALUES[slot](speech, change, pattern) for slot in slots(pattern)}
    text = pattern.format(**values)
    if speech.language == speech.names:
        return text
    for spaces, instead in _SPACES:
        text = spaces.sub(instead, text)
    return speech.restored(text)


def _target(speech: Speech, change: Change, pattern: str) -> str:
    here = None if change.operation in _MOVES else change.place
    adjective = None if "{was}" in pattern else change.was
    thing = change.thing or (None if change.old else _default(change.operation))
    plainly = bool(_PLAINLY.search(pattern))
    return definite(speech, thing, change.old, here, adjective, plainly=plainly)


def _default(operation: str) -> Name | None:
    return _DEFAULTS.get(operation) or _DEFAULTS.get(operation.partition(".")[0])


def _image(speech: Speech, change: Change, pattern: str) -> str:
    if change.thing and change.operation.startswith(_OF_IMAGES):
        return definite(speech, change.thing)
    images: Sequence[str] = DATA[speech.language].IMAGES
    return speech.random.choice(images)


def _to(speech: Speech, change: Change, pattern: str) -> str:
    where = change.place and MIDDLES.get(change.place.english, change.place)
    there = place(speech, where, change.other)
    return towards(there) if speech.language == "en" else there


def _there(speech: Speech, change: Change, pattern: str) -> str:
    return place(speech, change.place, change.other)


def _where(speech: Speech, change: Change, pattern: str) -> str:
    there = place(speech, change.place, change.other)
    return there and (f"在{there}" if speech.language == "zh" else f" {there}")


def _other(speech: Speech, change: Change, pattern: str) -> str:
    assert change.other, f"{change.operation}: what takes the place has a name"
    return indefinite(speech, change.other, change.colour)


def _colour(speech: Speech, change: Change, pattern: str) -> str:
    assert change.colour, f"{change.operation}: the colour has a name"
    return speech.name(change.colour)


def _was(speech: Speech, change: Change, pattern: str) -> str:
    assert change.was, "patterns with a colour before are for changes that have it"
    return speech.name(change.was)


def _amount(speech: Speech, change: Change, pattern: str) -> str:
    assert change.amount, "patterns with an amount are for changes that have it"
    return change.amount.name(speech.language)


def _language(speech: Speech, change: Change, pattern: str) -> str:
    names: dict[str, Sequence[str]] = DATA[speech.language].LANGUAGES
    return speech.random.choice(names[change.language or "en"])


_VALUES: dict[str, Callable[[Speech, Change, str], str]] = {
    "target": _target,
    "what": lambda speech, change, _: added(speech, change.thing, change.new, change.colour),
    "with": lambda speech, change, _: definite(speech, change.other, change.new, plainly=True),
    "other": _other,
    "new": lambda speech, change, _: speech.quoted(change.new or ""),
    "to": _to,
    "where": _where,
    "there": _there,
    "here": lambda speech, change, pattern: _there(speech, change, pattern) or "画面上",
    "image": _image,
    "language": _language,
    "amount": _amount,
    "colour": _colour,
    "a_colour": lambda speech, change, pattern: with_article(_colour(speech, change, pattern)),
    "was": _was,
}
