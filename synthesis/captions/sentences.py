"""The sentences captions of scenes and designs are composed of, as data.

Slots: ``kind`` what is seen, ``with_ground`` what the text stands on, ``surroundings``,
``layout``, ``details``; ``written`` how, ``ink``; of a text ``role``, ``where``, ``quoted``, of
rows of texts also ``count`` and ``entry``, what a row is. A slot with a
capital letter begins a sentence. No sentence about texts ends with its full stop: a text that
ends a sentence itself is not followed by another one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from synthesis.description import ImageType, Name, Writing


@dataclass(frozen=True)
class Sentences:
    """Patterns of one language. Those about texts, without and with a place: ``single``,
    ``several`` of one role, ``rows`` of texts that are each something else, ``tables`` of rows of
    one role, and ``mixed`` rows that differ. ``in_ink`` stands before a role.
    """

    openings: Mapping[ImageType, tuple[str, ...]]
    settings: tuple[str, ...]
    layouts: tuple[str, ...]
    one_ink: tuple[str, ...]
    many_inks: tuple[str, ...]
    no_ink: tuple[str, ...]  # where no name of its colour would be true
    details: tuple[str, ...]
    single: tuple[tuple[str, ...], tuple[str, ...]]
    several: tuple[tuple[str, ...], tuple[str, ...]]
    rows: tuple[tuple[str, ...], tuple[str, ...]]
    tables: tuple[tuple[str, ...], tuple[str, ...]]
    mixed: tuple[tuple[str, ...], tuple[str, ...]]
    counted: str  # several neighbours of one role in a row
    between_cells: str
    between_rows: str
    in_ink: str
    stop: str
    between: str


SURFACES: Mapping[ImageType, Name] = {
    "text": Name("background", "背景"),
    "photo": Name("surface", "表面"),
    "design": Name("background", "背景"),
}
WRITTEN: Mapping[str, Mapping[Writing, str]] = {
    "en": {
        "printed": "printed",
        "handwritten": "handwritten",
        "chalk": "chalked",
        "marker": "written with a marker",
        "painted": "painted",
    },
    "zh": {
        "printed": "印刷体",
        "handwritten": "手写体",
        "chalk": "粉笔字",
        "marker": "马克笔字",
        "painted": "油漆字",
    },
}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_DIGITS = "零一两三四五六七八九十"


def counted(language: str, count: int) -> str:
    """A small number in words, ``two`` or ``两``; above ten in figures."""
    if count > 10:
        return str(count)
    return _DIGITS[count] if language == "zh" else _NUMBERS[count]


SENTENCES = {
    "en": Sentences(
        openings={
            "text": (
                "A picture of {a_kind}{with_ground}.",
                "{A_kind}{with_ground}.",
                "The picture shows {a_kind}{with_ground}.",
            ),
            "photo": (
                "A photo of {a_kind}{with_ground}.",
                "The photo shows {a_kind}{with_ground}.",
                "{A_kind}{with_ground}, seen in a photo.",
                "A photograph in which {a_kind}{with_ground} can be seen.",
                "A close view of {a_kind}{with_ground}.",
            ),
            "design": (
                "{A_kind}{with_ground}.",
                "A design: {a_kind}{with_ground}.",
                "The picture is {a_kind}{with_ground}.",
                "The image shows {a_kind}{with_ground}.",
            ),
        },
        settings=(
            "Around it {are} {surroundings}.",
            "The surroundings: {surroundings}.",
            "The setting is {surroundings}.",
            "It is seen against {surroundings}.",
        ),
        layouts=("The text is set in {layout}.", "The words are arranged in {layout}."),
        one_ink=(
            "All of the text is {written} in {ink}.",
            "The text is {written} in {ink}.",
            "Everything on it is {written} in {ink}.",
        ),
        many_inks=(
            "The text is {written} in several colours.",
            "It bears {written} text in more than one colour.",
        ),
        no_ink=("All of the text is {written}.", "The text is {written}."),
        details=("There {there_are} also {details}.", "One also sees {details}."),
        single=(
            (
                "The {role} reads {quoted}",
                "The {role} says {quoted}",
                "As its {role} it has {quoted}",
            ),
            (
                "{Where}, the {role} reads {quoted}",
                "The {role} {where} reads {quoted}",
                "{Where} is the {role}, which says {quoted}",
                "{Where}, the {role} says {quoted}",
            ),
        ),
        several=(
            (
                "The {count} {role} read {quoted}",
                "There are {count} {role}: {quoted}",
            ),
            (
                "{Where}, {count} {role} read {quoted}",
                "{Where} are {count} {role}: {quoted}",
            ),
        ),
        rows=(
            (
                "There are {count} {entry}, each with {role}: {quoted}",
                "It shows {count} {entry}, each with {role}: {quoted}",
            ),
            (
                "{Where} are {count} {entry}, each with {role}: {quoted}",
                "{Where} there are {count} {entry}, each with {role}: {quoted}",
            ),
        ),
        tables=(
            ("There are {count} {entry} of {role}: {quoted}",),
            (
                "{Where} are {count} {entry} of {role}: {quoted}",
                "{Where}, {count} {entry} of {role} read {quoted}",
            ),
        ),
        mixed=(
            ("There are {count} {entry}: {quoted}",),
            ("{Where} are {count} {entry}: {quoted}",),
        ),
        counted="{count} {role}",
        between_cells=", ",
        between_rows="; ",
        in_ink="{ink} ",
        stop=".",
        between=" ",
    ),
    "zh": Sentences(
        openings={
            "text": (
                "图中是{a_kind}{with_ground}。",
                "这是{a_kind}{with_ground}。",
                "画面为{a_kind}{with_ground}。",
            ),
            "photo": (
                "照片中是{a_kind}{with_ground}。",
                "照片拍的是{a_kind}{with_ground}。",
                "这是一张照片，主体是{a_kind}{with_ground}。",
                "近景照片：{a_kind}{with_ground}。",
            ),
            "design": (
                "这是{a_kind}{with_ground}。",
                "图中是{a_kind}{with_ground}。",
                "画面是{a_kind}{with_ground}。",
                "设计图：{a_kind}{with_ground}。",
            ),
        },
        settings=(
            "周围是{surroundings}。",
            "它所处的环境是{surroundings}。",
            "四周可见{surroundings}。",
        ),
        layouts=("文字{layout}排列。", "排版上，文字{layout}排列。"),
        one_ink=(
            "文字均为{ink}{written}。",
            "所有文字都是{ink}的{written}。",
            "上面的文字用{ink}{written}呈现。",
        ),
        many_inks=("文字为{written}，颜色不止一种。", "上面有多种颜色的{written}文字。"),
        no_ink=("文字均为{written}。", "上面的文字是{written}。"),
        details=("画面中还有{details}。", "另外可以看到{details}。"),
        single=(
            (
                "{role}是{quoted}",
                "{role}写着{quoted}",
                "{role}内容为{quoted}",
            ),
            (
                "{where}是{role}{quoted}",
                "{where}{role}写着{quoted}",
                "{where}有{role}，内容为{quoted}",
                "{role}位于{where}，写着{quoted}",
            ),
        ),
        several=(
            (
                "{count}处{role}依次是{quoted}",
                "另有{count}处{role}：{quoted}",
            ),
            (
                "{where}有{count}处{role}，依次为{quoted}",
                "{where}的{count}处{role}分别是{quoted}",
            ),
        ),
        rows=(
            (
                "另有{count}{entry}，各有{role}：{quoted}",
                "画面列出{count}{entry}，各有{role}：{quoted}",
            ),
            (
                "{where}有{count}{entry}，各有{role}：{quoted}",
                "{where}列出{count}{entry}，各有{role}：{quoted}",
            ),
        ),
        tables=(
            ("另有{count}{entry}{role}：{quoted}",),
            (
                "{where}有{count}{entry}{role}：{quoted}",
                "{where}的{count}{entry}{role}依次是{quoted}",
            ),
        ),
        mixed=(
            ("另有{count}{entry}：{quoted}",),
            ("{where}有{count}{entry}：{quoted}",),
        ),
        counted="{count}处{role}",
        between_cells="、",
        between_rows="；",
        in_ink="{ink}的",
        stop="。",
        between="",
    ),
}
