"""Texts that say the same in two languages, and what such a text is there for."""

from enum import StrEnum
from typing import NamedTuple


class TextKind(StrEnum):
    """What a text is there for: it can stand where another of its kind does."""

    ADDRESS = "address"
    BUTTON = "button"
    CHAPTER = "chapter"  # the heading of a chapter
    DATE = "date"  # or a time, or opening hours
    DISH = "dish"
    FOOTNOTE = "footnote"  # small print, sources
    GREETING = "greeting"
    HEADLINE = "headline"  # of a piece of news
    HEADING = "heading"  # of a part of a page
    LABEL = "label"  # of a field, a setting or a column
    NARRATION = "narration"  # what a story tells
    NOTICE = "notice"  # signs that ask, forbid or warn
    OFFER = "offer"  # on a price tag
    PACKAGE = "package"  # what a package says beside its name
    PLACE = "place"  # the sign of a shop, a room or a way
    PRODUCT = "product"
    QUESTION = "question"
    SENTENCE = "sentence"  # what describes
    SLOGAN = "slogan"  # and sayings
    SPEECH = "speech"  # what somebody says or writes to another
    STATUS = "status"
    SUBJECT = "subject"  # what one can learn
    TASK = "task"
    TITLE = "title"  # of an event, a book, a talk or a document
    TRAFFIC = "traffic"  # signs for those who drive
    WEATHER = "weather"


class Translation(NamedTuple):
    """A text in English and Chinese; of a user's the ``kind`` may be unknown."""

    english: str
    chinese: str
    kind: TextKind | None = None

    def out_of(self, language: str) -> tuple[str, str]:
        """The text in a language, ``en`` or ``zh``, and what it is in the other."""
        texts = self.english, self.chinese
        return texts if language == "en" else texts[::-1]
