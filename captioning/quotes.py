"""What a caption quotes, held against the text that was read in the image.

Recall: how much of the text read stands in the caption. Precision: how much of what the caption
quotes was read; the rest was invented, or the reader missed it.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from curation.shard import quotations

LIKE = ((10, 0.7), (5, 0.8), (4, 0.9))  # characters, and how alike so many must be; fewer: equal


@dataclass(frozen=True)
class Agreement:
    """Shares 0 to 1, None without anything to hold against the other; ``invented`` are quotes that
    nobody read, in their order.
    """

    recall: float | None
    precision: float | None
    invented: tuple[str, ...] = ()


def quotes(caption: str) -> list[str]:
    """The quoted spans of a caption, in their order."""
    return [span.strip() for span in quotations.spans(caption) if span.strip()]


def plain(text: str) -> str:
    """Letters and digits alone, compatible forms and cases folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


def agreement(caption: str, lines: Sequence[str]) -> Agreement:
    """Of a caption and the lines of text that were read in its image."""
    spans = [(span, plain(span)) for span in quotes(caption)]
    spans = [(span, letters) for span, letters in spans if letters]
    read = [letters for letters in map(plain, lines) if letters]
    page = "".join(read)
    invented = [span for span, letters in spans if not _stands_in(letters, page)]
    false = sum(len(plain(span)) for span in invented)
    said = sum(len(letters) for _, letters in spans)
    quoted = "".join(letters for _, letters in spans)
    kept = sum(len(letters) for letters in read if _stands_in(letters, quoted))
    return Agreement(
        kept / len(page) if page else None, 1 - false / said if said else None, tuple(invented)
    )


def _stands_in(letters: str, text: str) -> bool:
    """Whether a text holds something as good as the same; short ones are alike by chance."""
    if letters in text:
        return True
    if len(letters) > len(text):
        return False
    bound = next((share for length, share in LIKE if len(letters) >= length), 1.0)
    return bound < 1 and fuzz.partial_ratio(letters, text) >= 100 * bound
