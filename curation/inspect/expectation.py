"""A promise of a finished run that ``beam gate`` checked."""

from dataclasses import asdict, dataclass, replace
from typing import Any

EXAMPLES = 5


@dataclass(frozen=True)
class Expectation:
    """One checked promise: what was expected of which column and how many rows break it.

    It was held against so many ``rows`` (0: against none of its own), and ``says`` in words what is
    expected; ``examples`` are values that are not.
    """

    name: str
    column: str
    passed: bool
    unexpected: int
    rows: int = 0
    says: str = ""
    examples: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return asdict(self)

    def joined(self, other: "Expectation") -> "Expectation":
        """The same promise over the rows of both."""
        return replace(
            self,
            passed=self.passed and other.passed,
            unexpected=self.unexpected + other.unexpected,
            rows=self.rows + other.rows,
            examples=(*self.examples, *other.examples)[:EXAMPLES],
        )
