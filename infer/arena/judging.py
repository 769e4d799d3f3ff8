"""Duels by a judge, who is asked twice with sides swapped: who changes sides says it is a tie."""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from curation import progress
from curation.failures.errors import IncompleteError
from infer.arena.votes import Answer, Duel, Vote, of_duel
from infer.harness.judges import Judge, JudgeError
from infer.harness.rows import Question
from train import figures

QUESTION = (
    "Both images were made for this prompt:\n\n{prompt}\n\nWhich one is better: shows what was"
    " asked for, says every text as it was asked for, and looks better? "
)
QUESTION_OF_EDITS = (
    "The last two images are edits of {inputs} by this instruction:\n\n{prompt}\n\nWhich of the two"
    " is better: does what was asked for, says every text as it was asked for, leaves everything"
    " else as it was, and looks better? "
)
ANSWERS = (
    "Answer with 1 (the first), 2 (the second), both (both are good, and none is better) or"
    " neither (both are bad), and nothing else."
)
_WORD = re.compile(r"\b(1|2|both|neither)\b")
_SWAPPED: dict[str, Answer] = {"a": "b", "b": "a"}

Pair = tuple[Image.Image, Image.Image]


@dataclass(frozen=True)
class Judged:
    """``votes``; of so many ``decided`` answers ``first`` named what was shown first, which a fair
    judge does half of the time; ``disagreed`` of the duels are ties because sides were changed, and
    ``unclear`` answers were none of the four.
    """

    votes: list[Vote]
    first: int
    decided: int
    disagreed: int
    unclear: int

    @property
    def position_bias(self) -> figures.Rate:
        """How often the first image was said to be better, where one was."""
        return figures.Rate(self.first, self.decided)


def answer(text: str) -> Answer | None:
    """What an answer says of the first image (``a``) and the second; None where it is unclear."""
    said = set(_WORD.findall(text.casefold()))
    if len(said) != 1:
        return None
    word = said.pop()
    return {"1": "a", "2": "b", "both": "both", "neither": "neither"}[word]  # type: ignore[return-value]


def settled(there: Answer | None, back: Answer | None) -> Answer:
    """The vote of two answers, the second with sides swapped."""
    turned = _SWAPPED.get(back, back) if back is not None else None
    if there is not None and there == turned:
        return there
    return "neither" if there == turned == "neither" else "both"


def question(prompt: str, inputs: Sequence[Image.Image], pair: Pair) -> Question:
    """About two images, and before them what was to be edited, if anything was."""
    if not inputs:
        return Question(QUESTION.format(prompt=prompt) + ANSWERS, pair)
    named = "the one before" if len(inputs) == 1 else f"the {len(inputs)} before"
    text = QUESTION_OF_EDITS.format(inputs=named, prompt=prompt) + ANSWERS
    return Question(text, (*inputs, *pair))


def judge(
    duels: Sequence[Duel],
    opened: Callable[[Duel], Pair],
    inputs: Mapping[str, Sequence[Image.Image]],
    by: Judge,
) -> Judged:
    """Ask about all of them; ``inputs`` are by id of prompt. Raises ``IncompleteError`` where
    answers are missing.
    """
    failed: list[JudgeError] = []
    done = 0

    def asked(duel: Duel) -> tuple[Answer | None, Answer | None] | None:
        nonlocal done
        left, right = opened(duel)
        given = inputs.get(duel.prompt_id, ())
        try:
            said = [
                by.ask(question(duel.prompt, given, pair), left)
                for pair in ((left, right), (right, left))
            ]
            return answer(said[0]), answer(said[1])
        except JudgeError as error:
            failed.append(error)
            return None
        finally:
            done += 1

    with (
        progress.watch("", "duels judged", lambda: (len(duels), done)),
        ThreadPoolExecutor(by.concurrency) as pool,
    ):
        answers = list(pool.map(asked, duels))
    if failed:
        raise IncompleteError(f"{len(failed)} of {len(duels)} duels were not judged: {failed[0]}")
    pairs = [pair for pair in answers if pair is not None]
    return counted(duels, pairs)


def counted(
    duels: Sequence[Duel], answers: Sequence[tuple[Answer | None, Answer | None]]
) -> Judged:
    """The votes of both answers to each duel, and what they tell of the judge."""
    flat = [each for pair in answers for each in pair]
    votes = [of_duel(duel, settled(*pair)) for duel, pair in zip(duels, answers, strict=True)]
    decided = [each for each in flat if each in ("a", "b")]
    disagreed = sum(a is not None and a == b and a in ("a", "b") for a, b in answers)
    return Judged(votes, decided.count("a"), len(decided), disagreed, flat.count(None))
