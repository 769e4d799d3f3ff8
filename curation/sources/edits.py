"""Edit samples: a result with its inputs, and what is wrong with the whole if one is."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from curation.sources import fields, image_names
from curation.sources.image_names import MOST_INPUTS, Role
from curation.sources.kind import stem_of
from curation.sources.sample import SourceImage

LACKS_INPUT = (
    "missing: an edit without its input image; expected a file beside it that is named like a.input"
    ".png, or a list (.jsonl) or table that names both; a path in a side file is not followed"
)
_LACKS_RESULT = "missing: inputs and an instruction without the image that was made of them"
_MASK = ".mask.png"
_INSTRUCTIONS = {
    name.name: name.language
    for column in fields.TABLE
    if column.name == "caption_instruction"
    for name in column.names
}


class Image(NamedTuple):
    """An image that was read, or why not (``missing: ...``); ``path`` is a file-name hint."""

    path: str
    data: bytes | None
    error: str | None = None


def joined(
    result: Image, inputs: Sequence[Image]
) -> tuple[bytes | None, str | None, tuple[SourceImage, ...] | None]:
    """Data, error and inputs of the sample: one image that is not there spoils it whole.

    The error names the image: ``missing: input 2 (a.input2.png): no such file``.
    """
    if not inputs:
        return result.data, result.error, None
    if len(inputs) > MOST_INPUTS:
        many = f"unreadable: {len(inputs)} input images; expected 1 to {MOST_INPUTS}"
        return None, many, None
    if result.data is None:
        return None, named(result.error, "result", result.path), None
    images = []
    for number, image in enumerate(inputs, 1):
        if image.data is None:
            return None, named(image.error, f"input {number}", image.path), None
        images.append(SourceImage(image.data, image.path))
    return result.data, None, tuple(images)


def named(error: str | None, which: str, path: str) -> str:
    """A ``reason: detail`` that says which image of the sample it is about."""
    reason, _, detail = (error or "missing: no bytes").partition(": ")
    return f"{reason}: {which} ({path}): {detail}" if path else f"{reason}: {which}: {detail}"


@dataclass(frozen=True)
class Group:
    """The files of one edit sample, by name.

    ``results`` are more than one where it is not clear which is meant, none where there is none;
    ``problem`` says why it cannot be read. ``masks`` show where the edit was.
    """

    results: tuple[str, ...]
    inputs: tuple[str, ...]
    problem: str | None = None
    masks: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[str, ...]:
        """The files that are rows, the others being part of them."""
        return self.results or self.inputs[:1]

    @property
    def parts(self) -> tuple[str, ...]:
        """The files that are no rows."""
        return (*(self.inputs if self.results else self.inputs[1:]), *self.masks)


def instruction_of(name: str) -> tuple[str, str | None] | None:
    """Of ``a.instruction.txt`` the stem ``a`` and the language, if one is told; else None."""
    stem = stem_of(name)
    dot = stem.rfind(".")
    word = stem[dot + 1 :].casefold()
    if dot <= stem.rfind("/") + 1 or word not in _INSTRUCTIONS:
        return None
    return stem[:dot], _INSTRUCTIONS[word]


def _role(name: str) -> tuple[str, Role] | None:
    """Of ``a.input2.png`` the stem ``a`` and the role; None for other files."""
    start = name.rfind("/") + 1
    if name.count(".", start) < 2:
        return None
    stem = stem_of(name)
    dot = stem.rfind(".")
    role = image_names.role_of(stem[dot + 1 :]) if dot > start else None
    return (stem[:dot], role) if role else None


def is_part(name: str) -> bool:
    """Whether a file is named as the input or the mask of an edit sample is."""
    role = _role(name)
    return is_mask(name) or (role is not None and role[1].kind == "input")


def is_mask(name: str) -> bool:
    """Whether a file is named as the mask of an edit sample is: ``a.mask.png``."""
    return _mask_of(name) is not None


def _mask_of(name: str) -> str | None:
    stem = name[: -len(_MASK)]
    is_named = name.casefold().endswith(_MASK) and stem.rpartition("/")[2]
    return stem if is_named else None


def stem_of_result(name: str) -> str:
    """Of ``a.output.jpg`` and ``a.jpg`` the stem ``a``, after which all of the sample is named."""
    role = _role(name)
    return role[0] if role and role[1].kind == "result" else stem_of(name)


def groups(images: Collection[str], instructed: Collection[str]) -> list[Group]:
    """The edit samples among files: of ``a.jpg`` the inputs ``a.input.jpg``, ``a.input2.png``.

    ``instructed`` are the stems that have an instruction. With one, or beside a result that is
    named so (``a.output.jpg``), other names of inputs count too, such as ``a.source.jpg``; without
    either these are images like any other. So is ``a.mask.png`` beside an image without inputs.
    """
    roles: dict[str, list[tuple[str, Role]]] = {stem: [] for stem in instructed}
    for name in images:
        if role := _role(name):
            roles.setdefault(role[0], []).append((name, role[1]))
    plain: dict[str, list[str]] = {}
    for name in images if roles else ():
        stem = stem_of(name)
        if stem in roles and not _role(name):
            plain.setdefault(stem, []).append(name)
    every = (_group(plain.get(stem, []), roles[stem], stem in instructed) for stem in sorted(roles))
    masks: dict[str, list[str]] = {}
    for name in images if roles else ():
        if (of := _mask_of(name)) is not None:
            masks.setdefault(of, []).append(name)
    return [
        replace(group, masks=tuple(sorted(masks.get(stem, ()))) if group.inputs else ())
        for stem, group in zip(sorted(roles), every, strict=True)
        if group
    ]


def _group(
    plain: Sequence[str], roles: Sequence[tuple[str, Role]], is_instructed: bool
) -> Group | None:
    results = [name for name, _ in image_names.of_kind(roles, "result")]
    inputs = image_names.of_kind(roles, "input")
    if not (results or is_instructed):
        inputs = [entry for entry in inputs if entry[1].word == "input"]
    results = results or sorted(plain)
    if not inputs:
        return Group(tuple(results), (), LACKS_INPUT) if is_instructed and results else None
    names = tuple(name for name, _ in inputs)
    if not results:
        return Group((), names, _LACKS_RESULT) if is_instructed else None
    if len(results) > 1:
        listed = ", ".join(name.rpartition("/")[2] for name in results)
        return Group(tuple(results), names, f"unreadable: several results of one edit: {listed}")
    return Group(tuple(results), names, gap(role for _, role in inputs))


def gap(roles: Iterable[Role]) -> str | None:
    """What numbers of inputs lack: they begin at 0 or 1 and skip none."""
    by_word: dict[str, list[int]] = {}
    for role in roles:
        by_word.setdefault(role.word, []).append(1 if role.number is None else role.number)
    for word, members in by_word.items():
        numbers = sorted(members)
        expected = range(min(numbers[0], 1), min(numbers[0], 1) + len(numbers))
        for number, place in zip(numbers, expected, strict=True):
            if number > place:
                return f"missing: {word} {place}, though there is {word} {number}"
            if number < place:
                return f"unreadable: two images are {word} {number}"
    return None
