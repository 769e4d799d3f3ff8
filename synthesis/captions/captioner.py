"""Who captions a drawn picture: patterns by default, or a model that looks at it."""

from random import Random
from typing import Protocol

from synthesis.captions import caption
from synthesis.description import Description


class Captioner(Protocol):
    """A caption from the picture and what is known of it.

    ``picture`` is a PNG file. The caption must quote every text of the description to the letter;
    ``checked`` refuses one that does not.
    """

    def __call__(
        self, random: Random, language: str, description: Description, picture: bytes
    ) -> str:
        """The caption, in Chinese for Chinese texts and in English for all others."""
        ...


def by_patterns(random: Random, language: str, description: Description, picture: bytes) -> str:
    """The captioner there always is: patterns and the scene graph, without a look at the pixels."""
    del picture
    return caption(random, language, description)


def checked(
    captioner: Captioner, random: Random, language: str, description: Description, picture: bytes
) -> str:
    """The captioner's answer if every text stands in it to the letter, else that of the patterns.

    A model that misreads a text would teach a wrong spelling.
    """
    answer = captioner(random, language, description, picture).strip()
    if answer and all(one.text in answer for one in description.words):
        return answer
    return by_patterns(random, language, description, picture)
