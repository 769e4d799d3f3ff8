"""The noun phrases of instructions, in English and Chinese: what is changed, added, put in place.

Random ones where there are several ways to say it; each quotes and names all that it is given.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from curation.picture.colours import Colour
from synthesis.captions.grammar import quoted, with_article, with_measure_word
from synthesis.description import Name

_DETERMINED = ("the ", "every ", "each ", "all ", "both ", "a ", "an ", "this ", "any ")
_UNIQUE = ("sky",)  # there is but one
_GROUNDS = ("色块",)  # which is not called what is written on it
_NAMES = re.compile(r"\bnames?\b")  # which are something, and do not say it
_TOWARDS = {
    "at the ": "to the ",
    "on the left": "to the left",
    "on the right": "to the right",
    "in the ": "to the ",
    "on the ": "onto the ",
}
_DOUBLED = {"put", "set", "swap", "get", "cut", "run", "uncrop", "drag", "let", "transfer"}


@dataclass(frozen=True)
class Speech:
    """How names and texts are said: in the ``language`` of an instruction, names perhaps in another
    (``names``), and no mark around a text that any of the ``texts`` holds.
    """

    random: Random
    language: str
    names: str
    texts: Sequence[str]

    def name(self, name: Name | Colour) -> str:
        """The name, set off by blanks where it is English in Chinese."""
        text = name.name(self.names)
        return f" {text} " if self.language == "zh" and self.names == "en" else text

    def quoted(self, text: str) -> str:
        """The text in quotation marks: to the letter, or where names are set off by blanks its
        number, to be ``restored`` once these are right. Raises ``UnrenderableError``.
        """
        quote = quoted(self.language, text, self.texts)
        if self.language == self.names:
            return quote
        return f"{quote[0]}\0{self.texts.index(text)}\0{quote[-1]}"

    def restored(self, filled: str) -> str:
        """The words with the texts in place of their numbers."""
        parts = filled.split("\0")
        return "".join(self.texts[int(part)] if at % 2 else part for at, part in enumerate(parts))


def definite(
    speech: Speech,
    thing: Name | None,
    text: str | None = None,
    place: Name | None = None,
    colour: Colour | None = None,
    *,
    plainly: bool = False,
) -> str:
    """What there is: ``the red title “Sale” at the top left``, ``左上角的红色标题“Sale”``.

    ``plainly``: without a clause of its own (that reads ...).
    """
    return (_chinese if speech.language == "zh" else _english)(
        speech, thing, text, place, colour, plainly
    )


def _english(
    speech: Speech,
    thing: Name | None,
    text: str | None,
    place: Name | None,
    colour: Colour | None,
    plainly: bool,
) -> str:
    noun = thing.english if thing else "text"
    if colour:
        noun = f"{colour.english} {noun}"
    the = noun if noun.startswith(_DETERMINED) else f"the {noun}"
    where = f" {place.english}" if place else ""
    if text is None:
        return the + where
    quote = speech.quoted(text)
    ways = [f"{the} {quote}{where}"]
    if not thing and not colour:
        ways = [quote + where, quote + where, *ways]
    if not plainly and not _NAMES.search(noun):
        ways += [f"{the}{where} that reads {quote}", f"{the}{where} that says {quote}"]
    return speech.random.choice(ways)


def _chinese(
    speech: Speech,
    thing: Name | None,
    text: str | None,
    place: Name | None,
    colour: Colour | None,
    plainly: bool,
) -> str:
    noun = speech.name(thing) if thing else "文字"
    if colour:
        noun = _coloured(speech, noun, colour, is_text=text is not None)
    there = place.chinese if place else ""
    of = f"{there}的" if there else ""
    if text is None:
        return of + noun
    quote = speech.quoted(text)
    if noun.endswith(_GROUNDS):
        return f"{there}{quote}所在的{noun}"
    ways = [f"{of}{noun}{quote}"]
    if not thing and not colour:
        ways = [of + quote, of + quote, *ways]
    if not plainly:
        ways += [f"{there}写着{quote}的{noun}"]
    return speech.random.choice(ways)


def _coloured(speech: Speech, noun: str, colour: Colour, *, is_text: bool) -> str:
    """The noun in a colour: ``红色标题``; of a date or a price it is not said so closely."""
    closely = not is_text or speech.names == "en" or noun.endswith(("文字", "标题"))
    return f"{speech.name(colour)}{'' if closely else '的'}{noun}"


def indefinite(speech: Speech, thing: Name, colour: Colour | None = None) -> str:
    """What takes the place of another: ``a brick wall``, ``砖墙``."""
    if speech.language == "zh":
        return (speech.name(colour) + "的" if colour else "") + speech.name(thing)
    if thing.english in _UNIQUE:
        return f"the {thing.english}"
    return with_article(f"{colour.english} {thing.english}" if colour else thing.english)


def added(speech: Speech, thing: Name | None, text: str | None, colour: Colour | None) -> str:
    """What is added: ``a title that reads “Sale”``, ``标题“Sale”``, ``a red star``."""
    if text is None:
        assert thing, "an object is added that has a name"
        plain = indefinite(speech, thing, colour)
        if speech.language == "zh" and speech.names == "zh":
            return speech.random.choice((plain, with_measure_word(plain)))
        return plain
    quote = speech.quoted(text)
    if speech.language == "zh":
        noun = speech.name(thing) if thing else "文字"
        noun = _coloured(speech, noun, colour, is_text=True) if colour else noun
        ways = [f"{noun}{quote}", f"内容为{quote}的{noun}"]
        ways = ways[:1] if "的" in noun else ways  # else it reads as if it said what it is in
        bare = [quote, quote, f"{quote}字样"]
    else:
        noun = f"{colour.english} " if colour else ""
        if thing:
            noun += thing.english
            a = f"the {noun}" if thing.english.startswith("name") else with_article(noun)
            ways = [f"{a} {quote}"]
            if not _NAMES.search(noun):
                ways += [f"{a} that reads {quote}", f"{a} that says {quote}"]
        else:
            ways = [f"the {noun}text {quote}"]
        bare = [quote, quote]
    return speech.random.choice(ways if thing or colour else ways + bare)


def place(speech: Speech, where: Name | None, beside: Name | None) -> str:
    """Where something is or is put: ``at the top``, ``左上角``; empty where it is not said."""
    if speech.language == "zh":
        if where:
            return where.chinese
        return f"{speech.name(beside)}旁边" if beside else ""
    if where:
        return where.english
    return f"next to {definite(speech, beside)}" if beside else ""


def towards(where: str) -> str:
    """Where something goes that will be there: ``to the top left`` for ``at the top left``."""
    for start, instead in _TOWARDS.items():
        if where.startswith(start):
            return instead + where.removeprefix(start)
    return where


def gerund(phrase: str) -> str:
    """``changing the title`` for ``change the title``."""
    verb, blank, rest = phrase.partition(" ")
    if verb in _DOUBLED:
        verb += verb[-1]
    elif verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        verb = verb[:-1]
    return f"{verb}ing{blank}{rest}"
