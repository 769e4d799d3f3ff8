"""What an instruction calls things by: so that nothing else in the image can be meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from synthesis.captions.places import PLACES, cell
from synthesis.captions.roles import role_name
from synthesis.description import Name, Words
from synthesis.fonts.face import Extents

LONGEST = {"en": 80, "zh": 40}  # characters of a text that is quoted
_UNQUOTED = '\n“”"「」『』'
_SAID = 0.7  # share of texts that are told with what they are, where what they say is enough
_APART = 0.25  # of the image's sides: nearer texts that say the same are not told by their places
_LENGTHS = (0.4, 2.2)  # of the length of an old text, that of a new one
_NEAR = 2.5  # heights of the lower of two things: how far apart neighbours may be
_ENTITIES = frozenset(  # of which a text is but the name: an arrow, a box or a dot is there, too
    {
        "setting",
        "direction",
        "task",
        "option",
        "item",
        "bullet",
        "feature",
        "step",
        "entry",
        "reply",
    }
    | {"field", "message", "post", "likes", "replies", "event", "performer", "ingredient", "rating"}
    | {"low", "high", "place", "value", "given", "distance", "change", "word", "saying", "sky"}
)
_TEXTS = {  # what is the text itself, where a role is also what it stands on
    "speech": Name("text in the speech bubble", "对话气泡里的文字"),
    "narration": Name("text in the narration box", "旁白框里的文字"),
    "badge": Name("badge text", "角标文字"),
    "tab": Name("tab label", "选项卡文字"),
    "date": Name("date", "日期文字"),
    "day": Name("day number", "日期数字"),
    "logo": Name("logo text", "标志文字"),
    "watermark": Name("watermark text", "水印文字"),
}
_BESIDE = {
    "right": ("to the right of “{}”", "“{}”右边"),
    "left": ("to the left of “{}”", "“{}”左边"),
    "below": ("below “{}”", "“{}”下方"),
    "above": ("above “{}”", "“{}”上方"),
}


@dataclass(frozen=True)
class Called:
    """A text as an instruction names it: by what it says, what it is, and where that is needed."""

    old: str
    thing: Name | None
    place: Name | None


def is_short(text: str, language: str) -> bool:
    """Whether a text can be quoted whole."""
    return 1 < len(text) <= LONGEST[language] and not any(mark in text for mark in _UNQUOTED)


def role(words: Words) -> Name | None:
    """What a text is; ``None`` where it is but the name of something."""
    if words.role in _ENTITIES:
        return None
    return _TEXTS.get(words.role) or Name(role_name("en", words.role), role_name("zh", words.role))


def place(across: float, down: float) -> Name:
    """Where in the image a point is that lies so far across and down, 0 to 1."""
    row, column = cell(Words("", "", None, across, down))
    return Name(PLACES["en"][row][column], PLACES["zh"][row][column])


def called(random: Random, words: Words, others: Sequence[Words]) -> Called | None:
    """How to name a text beside the others; ``None`` where no name is its alone."""
    alike = [other for other in others if contains(other.text, words.text)]
    if not alike:
        return Called(words.text, role(words) if random.random() < _SAID else None, None)
    if any(cell(other) == cell(words) or _is_near(other, words) for other in alike):
        return None
    return Called(words.text, role(words), place(words.across, words.down))


def _is_near(words: Words, other: Words) -> bool:
    """Whether two texts are so near that the place of one is also that of the other."""
    return max(abs(words.across - other.across), abs(words.down - other.down)) < _APART


def contains(text: str, part: str) -> bool:
    """Whether a text could be meant by the part."""
    return part.casefold() in text.casefold()


def stands_once(text: str, texts: Sequence[str], language: str) -> bool:
    """Whether a text of an image with those texts can be quoted, and no other be meant."""
    return is_short(text, language) and sum(contains(of, text) for of in texts) == 1


def suits(old: str, new: str) -> bool:
    """Whether a text may take the place of another: about as long, and not the same."""
    return bool(new) and new != old and _LENGTHS[0] <= len(new) / len(old) <= _LENGTHS[1]


def beside(box: Extents, neighbours: Sequence[tuple[str, Extents]]) -> Name | None:
    """Where a thing stands to the nearest text; ``None``: there is none near.

    The neighbours are texts that can be quoted, with their boxes (left, top, right, bottom).
    """
    near = [(*_towards(box, other), text) for text, other in neighbours]
    near = [entry for entry in near if entry[1] and entry[0] <= _NEAR]
    if not near:
        return None
    _, side, text = min(near)
    english, chinese = _BESIDE[side]
    return Name(english.format(text), chinese.format(text))


def _towards(box: Extents, other: Extents) -> tuple[float, str]:
    """How far a thing is from another, in heights of the lower, and on which side of it."""
    left, top, right, bottom = box
    unit = min(bottom - top, other[3] - other[1])
    level = min(bottom, other[3]) - max(top, other[1]) > 0.5 * unit
    upright = min(right, other[2]) - max(left, other[0]) > 0.5 * min(
        right - left, other[2] - other[0]
    )
    sides = {
        "right": (left - other[2], level),
        "left": (other[0] - right, level),
        "below": (top - other[3], upright),
        "above": (other[1] - bottom, upright),
    }
    apart = [(gap / unit, side) for side, (gap, holds) in sides.items() if holds and gap >= 0]
    return min(apart, default=(0.0, ""))
