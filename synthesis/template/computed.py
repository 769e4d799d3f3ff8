"""Texts computed from other texts of the same image, so that what an image claims is true.

``<sum rows.amount>`` adds up a field over the entries of a list that are shown, ``<rest 100
series.value>`` is what the list's other entries leave of a whole, ``<plus subtotal tax>``,
``<minus total paid>`` and ``<times item.count item.price>`` take fields or plain numbers. The
result is written as the first operand that has a unit, a currency or decimals.
"""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from typing import Protocol

_NUMBER = re.compile(r"([^\d]*?)(-?\d{1,3}(?:,\d{3})+|-?\d+)(?:\.(\d+))?([^\d]*)")
_PLAIN = re.compile(r"-?\d+(\.\d+)?")


class Uncomputable(Exception):  # noqa: N818 - tells the author of a template what is wrong
    """Why a text cannot be computed: what was expected, and what is there."""


class Operands(Protocol):
    """Where fields are looked up: the scope a text stands in."""

    def text(self, name: str) -> str:
        """The text of a field."""

    def shown(self, name: str) -> Sequence["Operands"]:
        """The entries of a list that the image shows."""

    def others(self, name: str) -> Sequence["Operands"]:
        """The entries of a list beside the one the text stands in."""


@dataclass(frozen=True)
class Quantity:
    """A number with what is written around it: a currency before it, a unit after it."""

    value: Decimal
    before: str = ""
    after: str = ""
    decimals: int = 0
    grouped: bool = True

    @property
    def is_bare(self) -> bool:
        """Whether it is a whole number and nothing else."""
        return not (self.before or self.after or self.decimals)

    def __str__(self) -> str:
        value = self.value.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP)
        sign = "-" if value < 0 else ""
        digits = f"{abs(value):{',' if self.grouped else ''}f}"
        return f"{sign}{self.before}{digits}{self.after}"


def quantity(text: str, where: str) -> Quantity:
    """The one number in a text. Raises ``Uncomputable`` where there is none, or several."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise Uncomputable(f"{where}: expected a text with one number, found {text!r}")
    before, digits, fraction, after = match.groups()
    plain = digits.replace(",", "")
    grouped = "," in digits or len(plain) < 4
    value = Decimal(f"{plain}.{fraction}" if fraction else plain)
    if before.startswith(("-", "+")):
        value, before = (-value if before[0] == "-" else value), before[1:]
    return Quantity(value, before, after, len(fraction or ""), grouped)


def _written(value: Decimal, operands: Sequence[Quantity]) -> str:
    like = next((operand for operand in operands if not operand.is_bare), operands[0])
    return str(Quantity(value, like.before, like.after, like.decimals, like.grouped))


def _operand(scope: Operands, operand: str) -> Quantity:
    if _PLAIN.fullmatch(operand):
        return Quantity(Decimal(operand))
    return quantity(scope.text(operand), operand)


def _of_entries(entries: Sequence[Operands], field: str, where: str) -> list[Quantity]:
    name = f"item.{field}" if field else "item"
    return [quantity(entry.text(name), where) for entry in entries]


def _list_and_field(reference: str) -> tuple[str, str]:
    """``rows.amount`` as the list and the field of its entries."""
    name, _, field = reference.rpartition(".")
    return (name, field) if name and name != "item" else (reference, "")


def _sum(scope: Operands, words: Sequence[str]) -> str:
    _count(words, 1, "a list and a field of its entries, such as <sum rows.amount>")
    name, field = _list_and_field(words[0])
    entries = _of_entries(scope.shown(name), field, words[0])
    return _written(sum((entry.value for entry in entries), Decimal(0)), entries)


def _rest(scope: Operands, words: Sequence[str]) -> str:
    _count(words, 2, "a whole, a list and a field, such as <rest 100 series.value>")
    total = _operand(scope, words[0])
    name, field = _list_and_field(words[1])
    entries = _of_entries(scope.others(name), field, words[1])
    left = total.value - sum((entry.value for entry in entries), Decimal(0))
    if left <= 0:
        raise Uncomputable(f"{words[1]}: the other entries leave nothing of {words[0]}")
    return _written(left, [*entries, total])


def _folded(operation: Callable[[Decimal, Decimal], Decimal]) -> "Rule":
    def rule(scope: Operands, words: Sequence[str]) -> str:
        if len(words) < 2:
            raise Uncomputable("expected two or more fields or numbers")
        operands = [_operand(scope, word) for word in words]
        return _written(reduce(operation, [operand.value for operand in operands]), operands)

    return rule


def _count(words: Sequence[str], wanted: int, expected: str) -> None:
    if len(words) != wanted:
        raise Uncomputable(f"expected {expected}")


Rule = Callable[[Operands, Sequence[str]], str]
RULES: dict[str, Rule] = {
    "sum": _sum,
    "rest": _rest,
    "plus": _folded(operator.add),
    "minus": _folded(operator.sub),
    "times": _folded(operator.mul),
}
