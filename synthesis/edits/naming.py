"""What an instruction calls things by: so that nothing else in the image can be meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from synthesis.captions.places import PLACES, cell
from synthesis.captions.roles import role_name
from synthesis.description import Name, Words

LONGEST = {"en": 80, "zh": 40}  # characters of a text that is quoted


@dataclass(frozen=True)
class Called:
    """A text as an instruction names it: by what it says, what it is, and where that is needed."""

    old: str
    thing: Name | None
    place: Name | None


def role(words: Words) -> Name:
    """What a text is."""
    return Name(role_name("en", words.role), role_name("zh", words.role))


def place(words: Words) -> Name:
    """Where a text is."""
    row, column = cell(words)
    return Name(PLACES["en"][row][column], PLACES["zh"][row][column])


def called(words: Words, others: Sequence[Words]) -> Called | None:
    """How to name a text beside the others; ``None`` where no name is its alone."""
    name = role(words)
    alike = [other for other in others if words.text.casefold() in other.text.casefold()]
    same = [other for other in others if _alike(name, role(other))]
    if not alike and not same:
        return Called(words.text, name, None)
    if not alike:
        return Called(words.text, None, None)
    here = [other for other in alike if cell(other) == cell(words)]
    if here:
        return None
    same_here = [other for other in same if cell(other) == cell(words)]
    return Called(words.text, None if same_here else name, place(words))


def _alike(name: Name, other: Name) -> bool:
    return name.english == other.english or name.chinese == other.chinese
