"""Defects that several measurements tell together: a calibrated probability for each.

A logistic rule over transformed columns (``data/defects.json``), fitted and calibrated by ``python
-m benchmarks.defects.fit`` on clean images and on copies with ladders of damage. The probability is
that of an even chance beforehand: among as many clean images as damaged ones of the strengths
fitted, images with 0.9 are damaged in 9 of 10 cases. A new fit is a new version.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import TypeAdapter

from curation.signals.signal import Column, Signal
from curation.strict_yaml import Frozen

LIMIT = 4.0  # standard deviations: further out, a measurement says no more
FILE = Path(__file__).parent / "data" / "defects.json"
Transform = Literal["identity", "sqrt", "log"]


class Term(Frozen):
    """``weight`` times the standardised column; ``offset`` is added before a logarithm."""

    column: str
    transform: Transform = "identity"
    offset: float = 0.0
    mean: float
    deviation: float
    weight: float

    def standardised(self, value: float) -> float:
        """A value of the column in standard deviations of all that the rule was fitted on."""
        if self.transform == "log":
            value = math.log(value + self.offset)
        elif self.transform == "sqrt":
            value = math.sqrt(value)
        seen = (value - self.mean) / self.deviation
        if -LIMIT <= seen <= LIMIT:
            return seen
        return math.copysign(LIMIT, seen)


class Product(Frozen):
    """``weight`` times two standardised columns; both have terms of their own."""

    first: str
    second: str
    weight: float


class Rule(Frozen):
    """A logistic rule: its probability is that of ``slope * score + intercept``."""

    constant: float
    terms: tuple[Term, ...]
    products: tuple[Product, ...] = ()
    slope: float = 1.0
    intercept: float = 0.0

    def probability(self, columns: Mapping[str, float]) -> float:
        """0 to 1, from the columns that the terms name."""
        terms, seen = 0.0, dict[str, float]()
        for term in self.terms:  # plain loops: there are fifty terms for each image
            value = seen[term.column] = term.standardised(columns[term.column])
            terms += term.weight * value
        score = self.constant + terms
        score += sum(of.weight * seen[of.first] * seen[of.second] for of in self.products)
        return 1 / (1 + math.exp(-min(30.0, max(-30.0, self.slope * score + self.intercept))))


def read(text: str) -> dict[str, Rule]:
    """The rules of a file by column. Raises ``pydantic.ValidationError``."""
    return TypeAdapter(dict[str, Rule]).validate_json(text)


def version(rule: Rule) -> int:
    """A number that changes with any of the rule's coefficients."""
    digest = hashlib.blake2b(rule.model_dump_json().encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big")


def _column(name: str, rule: Rule, columns: Mapping[str, float]) -> dict[str, float]:
    return {name: rule.probability(columns)}


def _signal(name: str, meaning: str) -> Signal:
    rule = RULES[name]
    function: Callable[[Mapping[str, float]], dict[str, float]] = partial(_column, name, rule)
    return Signal(
        name,
        "derived",
        version(rule),
        {name: Column(pa.float32(), "probability 0 to 1", meaning)},
        function,
        reads=tuple(term.column for term in rule.terms),
    )


RULES = read(FILE.read_text(encoding="utf-8"))
blurred = _signal("blurred", "out of focus, from a deviation of 2 pixels at 512")
motion_blurred = _signal("motion_blurred", "shaken by 11 pixels at 512 or more")
enlarged = _signal("enlarged", "enlarged threefold or more")
posterised = _signal("posterised", "at most 4 levels in each channel, or as few colours")
oversaturated = _signal("oversaturated", "saturation turned up threefold or more")
overexposed = _signal("overexposed", "brightened by 1.8 or more, detail clipped")
dithered = _signal("dithered", "few colours, mixed by dithering or by reducing the image")
