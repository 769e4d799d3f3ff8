"""Whether an answer quotes what its prompt does, verbatim, in that order, and nothing else."""

from collections import Counter

from curation.shard.quotations import EVERY, is_unclear, spans
from train.enhancer.rules.rule import Rule

_DISORDER = 0.9  # of what texts in another order, or stray marks, have left


class Quoted(Rule):
    """F1 of the texts that the prompt quotes and those that the answer does, each as often; 1 only
    where they are the same, in the same order, and no quotation mark is without its pair.
    """

    def score(self, prompt: str, answer: str) -> float:
        """As ``Rule``."""
        asked, written = spans(prompt, EVERY), spans(answer, EVERY)
        shared = sum((Counter(asked) & Counter(written)).values())
        total = len(asked) + len(written)
        score = 2 * shared / total if total else 1.0
        is_same = asked == written and bool(answer.strip()) and not is_unclear(answer)
        return score if is_same else min(score, 1.0) * _DISORDER * bool(answer.strip())
