"""Whether an answer is as long as an enhanced prompt may be."""

from typing import Annotated

from pydantic import Field

from train.enhancer.rules.rule import Rule
from train.kinds import Count


class Length(Rule):
    """1 where an answer has at most ``most`` characters more than its prompt, and ``least`` more,
    where that is not 0; beyond, less in proportion: 0 at twice as many more than ``most``, or
    without a word.
    """

    least: Annotated[int, Field(ge=0)] = 0
    most: Count = 1200

    def score(self, prompt: str, answer: str) -> float:
        """As ``Rule``."""
        if not answer.strip():
            return 0.0
        expected, more = len(prompt) + self.least, len(answer) - len(prompt)
        if more > self.most:
            return max(0.0, 2 - more / self.most)
        return min(1.0, len(answer) / expected) if self.least else 1.0
