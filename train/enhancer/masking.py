"""Captions with a sign in place of each quotation, so that nothing that is done to their words can
touch what they quote; and their sentences.
"""

import re
from dataclasses import dataclass

from curation.shard.quotations import EVERY

_FIRST, _LAST = "\ue000", "\uf8ff"  # of the private use area
SIGN = re.compile(f"[{_FIRST}-{_LAST}]")
# Of our own captions.
_RARE = "|".join(f"{a}[^{a}{b}]+{b}" for a, b in ("《》", "【】", "⟨⟩", "⟦⟧"))
_QUOTED = re.compile(f"{EVERY.pattern}|{_RARE}")
_ENDS = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*|\s*\n\s*")
_SPACES = re.compile(r"\s+")
_LOOSE = re.compile(r"\s+([,.;:!?])|^[,;:，；、\s]+|[,;:，；、\s]+$")


@dataclass(frozen=True)
class Masked:
    """A ``text`` with signs for its ``quotations``, which have their marks."""

    text: str
    quotations: tuple[str, ...]

    @classmethod
    def of(cls, caption: str) -> "Masked | None":
        """None where it has such a sign itself, or more quotations than there are."""
        quotations = tuple(match[0] for match in _QUOTED.finditer(caption))
        if SIGN.search(caption) or len(quotations) > ord(_LAST) - ord(_FIRST):
            return None
        signs = iter(range(len(quotations)))
        return cls(_QUOTED.sub(lambda _: chr(ord(_FIRST) + next(signs)), caption), quotations)

    def filled(self, text: str) -> str:
        """A text with its quotations in place of their signs."""
        return SIGN.sub(lambda match: self.quotations[ord(match[0]) - ord(_FIRST)], text)


def sentences(text: str) -> list[str]:
    """Those of a masked text."""
    return [each for each in _ENDS.split(text) if each.strip()]


def joined(parts: list[str]) -> str:
    """Sentences as a text again: with a space between them unless they end as Chinese ones do."""
    text = ""
    for part in parts:
        text += (" " if text and text[-1] not in "。！？" else "") + part.strip()
    return text


def tidied(text: str) -> str:
    """Without the spaces and commas that what was taken out left."""
    ended = text[-1:] if text[-1:] in ".。" else ""
    bare = _LOOSE.sub(r"\1", _SPACES.sub(" ", text.removesuffix(ended))).strip()
    return bare + ended if bare else ""
