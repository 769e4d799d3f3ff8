"""Asking a back end: questions in an order that it likes, again what had no answer, and the sums.

Equal prompts and sizes are asked together: what differs in a batch is padded to the longest.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import pyarrow as pa

from captioning.backends.backend import FINAL, Captioner, Question, Reply
from captioning.parsing import NONE, Finish, InvalidAnswerError
from curation.signals.signal import Column, Tokens

Answer = TypeVar("Answer")
Parse = Callable[[str, Finish], Answer]  # raises ``InvalidAnswerError``
ProblemOf = Callable[[int, Answer], str]  # of the question of a number; ``NONE`` where it is fine


def columns(what: str) -> dict[str, Column]:
    """Of ``what`` is asked for: how often, what it took, and what of the answer was mended."""
    return {
        f"{what}_mended": Column(
            pa.list_(pa.string()), "names", "what of the answer was mended", in_shards=False
        ),
        f"{what}_attempts": Column(pa.int8(), "count from 0", "answers asked for", in_shards=False),
        f"{what}_prompt_tokens": Column(pa.int32(), "tokens", "asked", in_shards=False),
        f"{what}_new_tokens": Column(pa.int32(), "tokens", "answered", in_shards=False),
    }


def tokens(what: str) -> Tokens:
    """Which of the ``columns`` say what asking costs."""
    return Tokens(f"{what}_attempts", f"{what}_prompt_tokens", f"{what}_new_tokens")


class Asked(Generic[Answer]):
    """What became of one question: the answer to it, or the ``problem`` of its last reply; and the
    tokens that all replies took.
    """

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.problem, self.attempts, self.prompt_tokens, self.new_tokens = NONE, 0, 0, 0

    def add(self, reply: Reply, parse: Parse[Answer], problem_of: Callable[[Answer], str]) -> None:
        """One more reply."""
        self.attempts += 1
        self.prompt_tokens += reply.prompt_tokens
        self.new_tokens += reply.new_tokens
        if reply.reason:
            self.problem = reply.reason
            return
        try:
            answer = parse(reply.text, reply.finish)
        except InvalidAnswerError as error:
            self.problem = error.reason
            return
        self.problem = problem_of(answer)
        self.answer = answer if self.problem == NONE else None


def counts(what: str, every: Sequence[Asked[Any]]) -> dict[str, int]:
    """The ``columns`` that count, summed over all questions of a row."""
    return {
        f"{what}_attempts": sum(of.attempts for of in every),
        f"{what}_prompt_tokens": sum(of.prompt_tokens for of in every),
        f"{what}_new_tokens": sum(of.new_tokens for of in every),
    }


def ask(
    captioner: Captioner,
    questions: Mapping[int, Question],
    parse: Parse[Answer],
    problem_of: ProblemOf[Answer],
    attempts: int,
) -> dict[int, Asked[Answer]]:
    """What became of questions, by their numbers; each is asked up to ``attempts`` times, unless
    the captioner says that it has no answer (``FINAL``).

    Raises ``ConnectionError`` where an endpoint is not to be reached.
    """
    ordered = dict(sorted(questions.items(), key=lambda of: alike(of[1])))
    asked: dict[int, Asked[Answer]] = {number: Asked() for number in ordered}
    for attempt in range(attempts):
        waiting = [
            number for number, of in asked.items() if of.answer is None and of.problem not in FINAL
        ]
        batch = [ordered[number] for number in waiting]
        replies = captioner.answer(batch, attempt) if batch else ()
        for number, reply in zip(waiting, replies, strict=True):
            if reply.reason == "unreachable":
                raise ConnectionError(
                    f"the captioner's endpoint gave no answer ({reply.text}): see that it "
                    "runs; what was answered before is kept"
                )
            asked[number].add(reply, parse, partial(problem_of, number))
    return asked


def alike(question: Question) -> tuple[Any, ...]:
    """What questions are ordered by: prompt, sizes, id."""
    return question.turn.system, [of.shape for of in question.images], question.id
