"""Has prompts written anew, and takes what the rule allows; else the prompt stays as it is."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from curation.shard.quotations import is_unclear
from curation.shard.scripts import script
from infer.enhancing import rule
from train.enhancer.answers import cleaned
from train.enhancer.instructions import instructions

TRIES = 3
_REMEMBERED = 1000  # prompts


class NoAnswerError(Exception):
    """A language model did not answer; the message says why."""


class Writer(Protocol):
    """A language model: an endpoint's or a folder's."""

    @property
    def name(self) -> str:
        """As facts of an image name it."""

    @property
    def at_once(self) -> int:
        """How many prompts it may be asked for at once."""

    def write(self, system: str, user: str, attempt: int) -> str:
        """Its answer; the first attempt is the likeliest answer, others are sampled.

        Raises ``NoAnswerError``.
        """


@dataclass(frozen=True)
class Enhanced:
    """What to generate from: ``text``. Where that is the prompt itself, ``reason`` says why."""

    text: str
    reason: str = ""


class Enhancer:
    """Asks a ``writer`` up to ``TRIES`` times for a prompt; what it answered is remembered.

    ``language`` tells languages of one script apart (``rule.faults``). ``end`` ends what the writer
    has running, when nobody asks any more.
    """

    def __init__(
        self,
        writer: Writer,
        language: rule.Language | None = None,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        self._language, self.end = language, end
        self.name, self.at_once, self._writer = writer.name, writer.at_once, writer
        self._known: dict[str, Enhanced] = {}
        self._lock = threading.Lock()

    def enhance(self, prompt: str) -> Enhanced:
        """A prompt that stands for this one."""
        if is_unclear(prompt):
            return Enhanced(prompt, "it has a quotation mark without its pair")
        with self._lock:
            known = self._known.get(prompt)
        if known is None:
            try:
                known = self._enhanced(prompt)
            except NoAnswerError as error:  # not remembered: the next time there may be an answer
                return Enhanced(prompt, str(error))
            with self._lock:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[prompt] = known
        return known

    def _enhanced(self, prompt: str) -> Enhanced:
        system, user, reason = instructions(script(prompt)), prompt, ""
        for attempt in range(TRIES):
            answer = cleaned(self._writer.write(system, user, attempt))
            faults = rule.faults(prompt, answer, self._language)
            if not faults:
                return Enhanced(answer)
            reason = "; ".join(faults)
        return Enhanced(prompt, f"of {TRIES} answers none could stand for it, the last: {reason}")
