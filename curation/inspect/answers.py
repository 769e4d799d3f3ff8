"""What a language model will be asked in a run over the whole input, and what its tokens cost.

Told by what it was asked of the rows of a sample: answers, those given again among them, and the
tokens that it counted itself.
"""

from dataclasses import dataclass
from typing import Any

from curation.inspect import intervals
from curation.inspect.forecast import Rows
from curation.inspect.intervals import Estimate
from curation.signals.signal import Tokens

MILLION, HOUR = 1e6, 3600.0


@dataclass(frozen=True)
class Answers:
    """``captions`` that are asked for, in so many ``answers``, and the tokens of all prompts and
    answers; ``prices`` are of a million tokens of either, 0 and 0 where nobody said.
    """

    captions: Estimate
    answers: Estimate
    prompt_tokens: Estimate
    new_tokens: Estimate
    prices: tuple[float, float] = (0.0, 0.0)

    @property
    def are_free(self) -> bool:
        """Whether captions are made without a token: no language model is asked."""
        return not self.prompt_tokens.value + self.new_tokens.value

    @property
    def cost(self) -> Estimate | None:
        """What the tokens cost; None without prices."""
        if not any(self.prices):
            return None
        prompt, new = (price / MILLION for price in self.prices)
        return intervals.added([self.prompt_tokens.times(prompt), self.new_tokens.times(new)])

    def gpu_seconds(self, tokens_per_second: float) -> float:
        """Of a GPU that writes so many tokens in a second, in all."""
        return self.new_tokens.value / tokens_per_second

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        cost = self.cost
        return {
            "captions": self.captions.as_json(),
            "answers": self.answers.as_json(),
            "prompt_tokens": self.prompt_tokens.as_json(),
            "new_tokens": self.new_tokens.as_json(),
            "prices_of_a_million_tokens": list(self.prices),
            "cost_of_tokens": None if cost is None else cost.as_json(),
        }


def answers(rows: Rows, columns: Tokens, prices: tuple[float, float]) -> Answers:
    """What the sampled rows say of all."""
    asked = rows.numbers(columns.answers)
    share = intervals.shares({"asked": asked > 0}, rows.design)["asked"]
    prompt, new = (rows.numbers(name) for name in (columns.prompt, columns.new))
    return Answers(
        share.times(sum(stratum.rows for stratum in rows.design.strata)),
        intervals.total(asked, rows.design),
        intervals.total(prompt, rows.design),
        intervals.total(new, rows.design),
        prices,
    )
