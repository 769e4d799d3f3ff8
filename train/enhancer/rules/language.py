"""Whether an answer is in the language of its prompt, outside of what it quotes."""

from collections.abc import Callable
from functools import cache

from curation.failures.errors import UsageError
from curation.shard.quotations import EVERY, prose
from curation.shard.scripts import script
from train.enhancer.rules.rule import Rule
from train.kinds import Share


class Language(Rule):
    """1 where the script is kept, also where the prompt has no letters outside of quotations, else
    0. With ``detects`` also the language of one script, as lid.176 tells it where it is ``sure``
    of both; that needs inkstone[curate].
    """

    detects: bool = False
    sure: Share = 0.7

    def check(self) -> None:
        """As ``Rule``."""
        if self.detects:
            _detector()

    def score(self, prompt: str, answer: str) -> float:
        """As ``Rule``."""
        before = script(prompt)
        if not answer.strip() or (before and script(answer) != before):
            return 0.0
        if not self.detects:
            return 1.0
        (own, certain), (other, as_certain) = (
            _detector()(prose(each, EVERY)) for each in (prompt, answer)
        )
        return float(own == other or min(certain, as_certain) < self.sure)


@cache
def _detector() -> Callable[[str], tuple[str, float]]:
    from curation.networks import languages
    from curation.networks.weights import MissingModelError

    try:
        return languages.detector()
    except MissingModelError as error:
        raise UsageError(f"rules: language: detects: {error}") from None
