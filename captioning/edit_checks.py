"""What is checked of an instruction that says what was edited: each is a column for rules to bound.

Text that it quotes is held against what was read in the inputs (as it was) and in the result (as it
is). An instruction about an image without text, or that quotes none where none changed, agrees.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from captioning.checks import in_language, loop
from captioning.edit_answer import ChangedText
from captioning.quotes import agreement, plain
from curation.shard.quotations import prose
from curation.signals.signal import Column

_MEANING = {
    "instruction_quote_recall": "text read before or after alone that is quoted; 1 without any",
    "instruction_quote_precision": "quoted text that was read before or after; 1 without any",
    "instruction_text_agrees": "text said to have changed that was read as is said; 1 without any",
    "instruction_loop": "words outside quotes that one repeated n-gram covers",
    "instruction_in_language": "letters outside quotes in the language asked for",
}
COLUMNS = {name: Column(pa.float32(), "share 0 to 1", of) for name, of in _MEANING.items()}


@dataclass(frozen=True)
class Read:
    """Lines of text that were read in the inputs (``before``) and in the result (``after``); None
    where nobody looked.
    """

    before: Sequence[str] | None = None
    after: Sequence[str] | None = None

    @property
    def is_known(self) -> bool:
        """Whether all images were looked at."""
        return self.before is not None and self.after is not None


def values(
    instruction: str, changed: Sequence[ChangedText], language: str, read: Read
) -> dict[str, float]:
    """The ``COLUMNS`` of an instruction; of one that a source has, ``language`` is "" and nothing
    is known of text that ``changed``.
    """
    before, after = read.before or (), read.after or ()
    recall = agreement(instruction, _alone(before, after) + _alone(after, before)).recall
    precision = agreement(instruction, [*before, *after]).precision
    said = prose(instruction)
    return {
        "instruction_quote_recall": recall if read.is_known and recall is not None else 1.0,
        "instruction_quote_precision": (
            precision if read.is_known and precision is not None else 1.0
        ),
        "instruction_text_agrees": _agrees(changed, before, after) if read.is_known else 1.0,
        "instruction_loop": loop(said),
        "instruction_in_language": in_language(said, language) if language else 1.0,
    }


def _alone(lines: Sequence[str], others: Sequence[str]) -> list[str]:
    """The lines that nothing like was read of among the others."""
    every = [f'"{line}"' for line in lines if plain(line) and '"' not in line]
    return [of[1:-1] for of in every if agreement(of, others).invented]


def _agrees(changed: Sequence[ChangedText], before: Sequence[str], after: Sequence[str]) -> float:
    """Of the letters said to have been there before and after, those that were read there."""
    texts = [(of.before, before) for of in changed] + [(of.after, after) for of in changed]
    said = sum(len(plain(text)) for text, _ in texts)
    agreed = sum(len(plain(text)) for text, lines in texts if _is_read(text, lines))
    return agreed / said if said else 1.0


def _is_read(text: str, lines: Sequence[str]) -> bool:
    quoted = text.replace('"', " ")
    return not agreement(f'"{quoted}"', lines).invented
