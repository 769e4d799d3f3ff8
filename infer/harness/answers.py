"""What a judge's words say: yes or no, and marks."""

import re
from math import isfinite

BRIEFLY = "Answer with yes or no, and nothing else."

_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def yes_or_no(answer: str) -> str:
    """``yes`` or ``no`` by the first word, in English or Chinese; empty where it is neither."""
    word = next(iter(_WORD.findall(answer.casefold())), "")
    if word == "yes" or word.startswith("是"):
        return "yes"
    return "no" if word == "no" or word.startswith(("不", "否")) else ""


def is_yes(answer: str) -> bool:
    """Whether an answer is yes; one that is neither, or empty, is not."""
    return yes_or_no(answer) == "yes"


def marks(text: str, count: int, lowest: float, highest: float) -> list[float] | None:
    """The numbers of a text; None where they are not so many, or not all within the scale."""
    numbers = [float(each) for each in _NUMBER.findall(text)]
    fine = all(isfinite(each) and lowest <= each <= highest for each in numbers)
    return numbers if fine and len(numbers) == count else None
