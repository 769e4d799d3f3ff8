"""By which names sources tell images: of columns, of fields in lists, and in names of files.

An edit sample has a result, which is its image, and one to three inputs, numbered where there are
several: ``input_image_1``, ``a.input2.png``. All names are taken in any case.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

IMAGE = ("image", "jpg", "jpeg", "png", "webp", "img", "picture", "image_bytes", "bytes")
PATH = ("path", "image", "file_name", "image_file_name")  # in lists, that name an image by its path
MOST_INPUTS = 3
_OF_PATHS = ("_file_name", "_path", "_file")
_NUMBERED = re.compile(r"(.+?)[_-]?(\d{1,3})", re.ASCII)


_INPUT = (  # in the order in which inputs are given
    *("inputs", "input_image", "input_images", "input_img", "input"),
    *("source_image", "source_images", "source_img", "src_image", "src_img", "source", "src"),
    *("original_image", "original_img", "original"),
    *("reference_image", "reference_images", "reference_img", "ref_image", "ref_img"),
)
_RESULT = (
    *("edited_image", "edited_img", "edited", "output_image", "output_img", "output"),
    *("target_image", "target_img", "tgt_image", "tgt_img", "target", "result_image", "result"),
)
# words of their own: in a list they might be text about the image
_PLAIN = {"input", "source", "src", "original", "edited", "output", "target", "result"}
_KINDS: tuple[tuple[Literal["input", "result"], tuple[str, ...]], ...] = (
    ("input", _INPUT),
    ("result", _RESULT),
)


class Role(NamedTuple):
    """What an image is in an edit sample, by a name: ``place`` orders several of a kind.

    ``number`` is the one at the end of the name; ``word`` is the name without it.
    """

    kind: Literal["input", "result"]
    word: str
    number: int | None
    place: tuple[int, int]


def role_of(name: str, *, plain: bool = True) -> Role | None:
    """The role that a column, field or part of a file name tells; None for any other name.

    Without ``plain``, words such as ``input`` do not count, only names such as ``input_image``.
    """
    folded, number = name.casefold(), None
    for kind, words in _KINDS:
        word = folded
        if word not in words and (match := _NUMBERED.fullmatch(folded)):
            word, number = match[1], int(match[2])
        if word in words and (plain or word not in _PLAIN):
            return Role(kind, word, number, (words.index(word), number or 0))
    return None


def role_of_path(name: str) -> Role | None:
    """The role of a field of a list that names an image by its path, as ``input_file_name``."""
    folded = name.casefold()
    end = next((end for end in _OF_PATHS if folded.endswith(end)), "")
    return role_of(folded[: len(folded) - len(end)], plain=bool(end))


def of_kind(
    roles: Iterable[tuple[str, Role | None]], kind: Literal["input", "result"]
) -> list[tuple[str, Role]]:
    """The names of one kind, with their roles, in their order."""
    chosen = [(name, role) for name, role in roles if role is not None and role.kind == kind]
    return sorted(chosen, key=lambda entry: (entry[1].place, entry[0]))
